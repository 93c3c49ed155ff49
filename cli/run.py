"""`breathline run`: run of all stages that are not up to date, in parallel, under Prefect."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli import plan as plans
from cli.options import Forced, Gpus, Jobs, Targets
from cli.output import run_flow
from tasks.runtime.consoles import make_console
from tasks.runtime.errors import BreathlineError


def run(
    *,
    target: Targets = [],  # noqa: B006 - Typer reads the default and changes nothing
    recipe: Annotated[str | None, typer.Option(help="Recipe that is written into params.yaml first.")] = None,
    force: Forced = [],  # noqa: B006
    jobs: Jobs = 2,
    gpus: Gpus = None,
    on: Annotated[list[str], typer.Option(help="STAGE=POOL: work pool whose worker runs the stage. Repeatable.")] = [],  # noqa: B006
    task_runner: Annotated[
        str, typer.Option(help="Parallelism inside extract and fbank: threads, processes, dask, dask:ADDRESS.")
    ] = "threads",
    dry: Annotated[bool, typer.Option("--dry", help="Show the plan; run and write nothing.")] = False,
) -> None:
    """Run every stage that is not up to date, independent stages in parallel."""
    from flows.processes.run_lock import exclusive_run

    console = make_console()
    root = Path.cwd()
    pools = _pools(on)
    if dry:
        if recipe:
            _set_recipe(root, recipe, dry=True)
            console.print("Plan for the current params.yaml, without the recipe:")
        plans.show(plans.read_plan(target, force, on=pools))
        return
    with exclusive_run(root):
        if recipe:
            _set_recipe(root, recipe)
        steps = plans.read_plan(target, force, on=pools)
    plans.show(steps)
    if not any(step.runs for step in steps):
        return
    with console.status("Starting Prefect …"):
        from flows import prefect_server

        prefect_server.ensure()
        from flows.pipeline import pipeline
    hint = "see the end of the log above; completed stages do not run again"
    options = {"targets": target, "recipe": recipe, "force": force, "jobs": jobs, "gpus": gpus, "workers": pools}
    state = run_flow(pipeline, hint, **options, task_runner=task_runner)
    counts = Counter(state.result().values())
    console.print("Done: " + ", ".join(f"{number} {outcome}" for outcome, number in counts.items()))


def _set_recipe(root: Path, recipe: str, *, dry: bool = False) -> None:
    """Show the changes of params.yaml by a recipe, and write them unless it is a dry run."""
    from cli import recipe as recipes
    from flows.recipes import writing

    planned = writing.edit(root, recipe)
    recipes.show_edit(planned, recipe, dry=dry)
    if not dry:
        writing.write(root, planned)


def _pools(pairs: Sequence[str]) -> dict[str, str]:
    """Return the work pool of each stage in `--on`."""
    found = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    if len(found) != len(pairs) or not all(found.values()):
        raise BreathlineError(
            "`--on` expects a stage and a work pool.", where=" ".join(pairs), hint="--on train_teacher=gpu"
        )
    return found
