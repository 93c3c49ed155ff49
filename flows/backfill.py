"""Flow `backfill`: the pipeline over Git revisions and parameter values, side by side."""

from pathlib import Path
from typing import Any, cast

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows.backfills import tables
from flows.backfills.variants import FOLDER, prepare, variants
from flows.flow_errors import failed_by_errors
from flows.parameters import Gpus, Jobs
from flows.processes.run_lock import exclusive_run
from flows.publish import prefect_artifacts
from flows.scheduling.workspace_tasks import run_workspaces
from flows.workspaces import cache_of
from tasks.artifacts import REPORTS


def _name() -> str:
    parameters = flow_run.parameters
    return ", ".join([*parameters.get("revisions", []), *parameters.get("values", {})]) or "nothing"


@flow(name="backfill", flow_run_name=_name, task_runner=cast("Any", ThreadPoolTaskRunner()))
@failed_by_errors
def backfill(
    *,
    revisions: list[str] = [],  # noqa: B006 - Prefect reads the default and changes nothing
    values: dict[str, list[Any]] = {},  # noqa: B006
    jobs: Jobs = 2,
    gpus: Gpus = None,
    project: Path = Path(),
) -> State[Any] | list[str]:
    """Run the pipeline for every revision with every combination of values, and publish the scores as tables.

    Each variant runs in a workspace of its own (`.backfill/`) on the project's DVC cache: nothing is made twice, and
    the project itself does not change. Variants with different test cycles, labels or metrics are in separate tables.
    Every revision runs with the packages that are installed now.

    Args:
        revisions: Commits, tags, branches, or ranges such as `v1.0..main`; the working tree, if empty.
        values: Values of each parameter, by its dotted key: `{"student.optimizer.rho": [0.05, 0.1]}`.
        jobs: Maximum number of stages at once, over all variants, 1 to 256.
        gpus: Maximum number of stages at once that use a GPU; one for each GPU, if not given.
        project: Folder of the project.

    Returns:
        Names of the variants in the tables.

    Raises:
        BreathlineError: A revision or parameter is unknown, or another backfill is in progress in the project.
    """
    root = project.resolve()
    found = variants(root, revisions, values)
    with exclusive_run(root / FOLDER):
        cache = cache_of(root)
        by_workspace = {prepare(root, variant, cache): variant for variant in found}
        labels = {folder: variant.name for folder, variant in by_workspace.items()}
        failed = run_workspaces(labels, jobs=jobs, gpus=gpus)
        completed = {folder: variant for folder, variant in by_workspace.items() if folder not in failed}
        _publish(root, tables.tables(completed))
    if failed:
        return Failed(message=f"Failed: {'; '.join(labels[folder] for folder in labels if folder in failed)}.")
    return [variant.name for variant in completed.values()]


def _publish(root: Path, found: list[tables.Table]) -> None:
    if not found:
        get_run_logger().warning("No variant has scores (reports/scores.json), so there is no table.")
        return
    tables.write(found, root / REPORTS)
    for index, table in enumerate(found):
        key = f"backfill-{index + 1}" if index else "backfill"
        prefect_artifacts.publish_table(key, table.records, table.title)
    get_run_logger().info(tables.markdown_tables(found))
