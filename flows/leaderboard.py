"""The flow `leaderboard`: recipes × seeds, each recipe in a workspace of its own, ranked."""

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
from flows.leaderboards import comparison, tables
from flows.leaderboards.recipe_workspaces import FOLDER, Entry, finish, finished, prepare
from flows.processes.stage_process import only_run
from flows.publish import artifacts
from flows.workspaces import cache_of

REPORTS = "reports"


def _name() -> str:
    return ", ".join(flow_run.parameters["recipes"])


@flow(name="leaderboard", flow_run_name=_name, task_runner=cast("Any", ThreadPoolTaskRunner()))
def leaderboard(
    *,
    recipes: Annotated[list[str], Field(min_length=1)],
    seeds: list[int] = [],  # noqa: B006 - Prefect reads the default and changes nothing
    corpus: str | None = None,
    small: bool = False,
    paper: bool = False,
    jobs: Annotated[int, Field(ge=1, le=256)] = 2,
    gpus: Annotated[int | None, Field(ge=1, le=64)] = None,
    project: Path = Path(),
) -> State[Any] | list[str]:
    """Compare recipes over seeds; the boards are published and written to `reports/leaderboard.*`.

    Nothing is trained twice: recipes share what they have in common, and what was interrupted goes on. A recipe that
    fails does not keep the others from the boards, but the flow ends as failed.

    Args:
        recipes: Their names; the differences on a board are to the first.
        seeds: Of the students; each recipe's own, if empty.
        corpus: The recordings: demo, icbhi, or a path of an archive or folder; those of params.yaml or of the recipe,
            if not given.
        small: Whether the recipes' miniatures run.
        paper: Whether the epoch is chosen on the test set, too, as publications do.
        jobs: How many stages run at once, over all recipes.
        gpus: How many of them may use a GPU; one for each GPU, if not given.
        project: The project's folder.

    Returns:
        The recipes on the boards.

    Raises:
        BreathlineError: There is no such recipe or corpus, or another leaderboard is at work here.
    """
    root = project.resolve()
    entries = [Entry(recipe=name, small=small) for name in dict.fromkeys(recipes)]
    (root / FOLDER).mkdir(exist_ok=True)
    with only_run(root / FOLDER):
        cache = cache_of(root)
        for entry in entries:
            prepare(root, entry, seeds=seeds, corpus=corpus, paper=paper, cache=cache)
        names = {root / entry.folder: entry.recipe for entry in entries}
        failed = workspace_tasks.bring_up(names, jobs=jobs, gpus=gpus)
        finish(root, entries, failed)
        done = [entry.recipe for entry in _show(root, entries)]
    if failed:
        listed = ", ".join(names[folder] for folder in failed)
        return Failed(message=f"Failed: {listed}." + (f" On the boards: {', '.join(done)}." if done else ""))
    return done


def _show(root: Path, entries: list[Entry]) -> list[Entry]:
    """Write and publish the boards of what is finished, and return that."""
    done = finished(root, entries)
    if done:
        boards = comparison.boards([comparison.read(root, entry) for entry in done])
        paths = tables.write(boards, root / REPORTS)
        get_run_logger().info(f"Written: {', '.join(path.name for path in paths)} in {root / REPORTS}")
        artifacts.publish_text("leaderboard", tables.markdown(boards), f"{len(done)} of {len(entries)} recipes.")
    return done
