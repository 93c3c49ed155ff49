"""Flow `leaderboard`: recipes × seeds, each recipe in a workspace of its own, with a comparison of their scores."""

from pathlib import Path
from typing import Annotated, Any, cast

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from flows.flow_errors import failed_by_errors
from flows.leaderboards import comparison, tables
from flows.leaderboards.recipe_workspaces import FOLDER, RecipeWorkspace, finished, mark_finished, prepare
from flows.parameters import Gpus, Jobs
from flows.processes.run_lock import exclusive_run
from flows.publish import prefect_artifacts
from flows.scheduling.workspace_tasks import run_workspaces
from flows.workspaces import cache_of
from tasks.artifacts import REPORTS


def _name() -> str:
    return ", ".join(flow_run.parameters["recipes"])


@flow(name="leaderboard", flow_run_name=_name, task_runner=cast("Any", ThreadPoolTaskRunner()))
@failed_by_errors
def leaderboard(
    *,
    recipes: Annotated[list[str], Field(min_length=1)],
    seeds: list[int] = [],  # noqa: B006 - Prefect reads the default and changes nothing
    corpus: list[str] = [],  # noqa: B006
    external: list[str] = [],  # noqa: B006
    small: bool = False,
    paper: bool = False,
    jobs: Jobs = 2,
    gpus: Gpus = None,
    project: Path = Path(),
) -> State[Any] | list[str]:
    """Compare recipes over seeds; the leaderboards are published and written to `reports/leaderboard.*`.

    Nothing is trained twice: recipes share equal stages, and an interrupted training resumes. If a recipe fails, the
    leaderboards show the others, and the flow fails.

    Args:
        recipes: Names of the recipes; each leaderboard shows differences from the first one.
        seeds: Random seeds of the student, the same for every recipe; each recipe's own seeds, if empty.
        corpus: Corpora to learn from, each a name of a corpus, or path of an archive or folder, or `NAME=` before it;
            those of params.yaml or of the recipe, if empty.
        external: Corpora that are only tested on, in the same form.
        small: Whether the small versions of the recipes run.
        paper: Whether the epoch is also chosen on the test set, as in the publications.
        jobs: Maximum number of stages at once, over all recipes, 1 to 256.
        gpus: Maximum number of stages at once that use a GPU; one for each GPU, if not given.
        project: Folder of the project.

    Returns:
        Names of the recipes on the leaderboards.

    Raises:
        BreathlineError: A recipe or corpus is unknown, or another leaderboard runs in the project.
    """
    root = project.resolve()
    chosen = [RecipeWorkspace(recipe=name, small=small) for name in dict.fromkeys(recipes)]
    with exclusive_run(root / FOLDER):
        cache = cache_of(root)
        for workspace in chosen:
            prepare(root, workspace, seeds=seeds, corpus=corpus, external=external, paper=paper, cache=cache)
        labels = {root / workspace.folder: workspace.recipe for workspace in chosen}
        failed = run_workspaces(labels, jobs=jobs, gpus=gpus)
        mark_finished(root, chosen, failed)
        shown = [workspace.recipe for workspace in _publish(root, chosen)]
    if failed:
        names = ", ".join(label for folder, label in labels.items() if folder in failed)
        return Failed(message=f"Failed: {names}." + (f" On the leaderboards: {', '.join(shown)}." if shown else ""))
    return shown


def _publish(root: Path, chosen: list[RecipeWorkspace]) -> list[RecipeWorkspace]:
    """Write and publish the leaderboards of the finished workspaces, and return these."""
    done = finished(root, chosen)
    if done:
        found = comparison.leaderboards([one for workspace in done for one in comparison.read(root, workspace)])
        paths = tables.write(found, root / REPORTS)
        get_run_logger().info(f"Written: {', '.join(path.name for path in paths)} in {root / REPORTS}")
        prefect_artifacts.publish_text("leaderboard", tables.markdown(found), f"{len(done)} of {len(chosen)} recipes.")
    return done
