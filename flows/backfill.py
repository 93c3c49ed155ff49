"""The flow `backfill`: the pipeline over Git revisions and values of parameters, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from flows import workspace_tasks
from flows.backfills import tables
from flows.backfills.variants import FOLDER, cases, prepare
from flows.processes.stage_process import only_run
from flows.publish import artifacts
from flows.workspaces import cache_of

REPORTS = "reports"


def _name() -> str:
    asked = flow_run.parameters
    return ", ".join([*asked.get("revisions", []), *asked.get("values", {})]) or "nothing"


@flow(name="backfill", flow_run_name=_name, task_runner=cast("Any", ThreadPoolTaskRunner()))
def backfill(
    *,
    revisions: list[str] = [],  # noqa: B006 - Prefect reads the default and changes nothing
    values: dict[str, list[Any]] = {},  # noqa: B006
    jobs: Annotated[int, Field(ge=1, le=256)] = 2,
    gpus: Annotated[int | None, Field(ge=1, le=64)] = None,
    project: Path = Path(),
) -> State[Any] | list[str]:
    """Run the pipeline for every revision with every combination of values; the scores are published as tables.

    Each case runs in a workspace of its own (`.backfill/`) on the project's DVC cache, so that nothing is made twice
    and the project itself stays as it is. Cases that were not measured alike stand in different tables. A revision runs
    with the packages that are installed now.

    Args:
        revisions: Commits, tags, branches, or ranges such as `v1.0..main`; the working tree, if empty.
        values: For each parameter, by dotted key, its values: `{"student.optimizer.rho": [0.05, 0.1]}`.
        jobs: How many stages run at once, over all cases.
        gpus: How many of them may use a GPU; one for each GPU, if not given.
        project: The project's folder.

    Returns:
        The cases in the tables.

    Raises:
        BreathlineError: There is no such revision or parameter, or another backfill is at work here.
    """
    root = project.resolve()
    found = cases(root, revisions, values)
    (root / FOLDER).mkdir(exist_ok=True)
    with only_run(root / FOLDER):
        cache = cache_of(root)
        workspaces = {prepare(root, case, cache): case for case in found}
        names = {folder: case.name for folder, case in workspaces.items()}
        failed = workspace_tasks.bring_up(names, jobs=jobs, gpus=gpus)
        done = {folder: case for folder, case in workspaces.items() if folder not in failed}
        _publish(root, tables.tables(done))
    if failed:
        return Failed(message=f"Failed: {'; '.join(names[folder] for folder in failed)}.")
    return [case.name for case in done.values()]


def _publish(root: Path, published: list[tables.Table]) -> None:
    if not published:
        get_run_logger().warning("No case has scores (reports/scores.json): there is no table.")
        return
    tables.write(published, root / REPORTS)
    for index, table in enumerate(published):
        key = f"backfill-{index + 1}" if index else "backfill"
        artifacts.publish_table(key, table.records, table.title)
    get_run_logger().info(tables.show(published))
