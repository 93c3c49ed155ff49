"""`breathline run`: run what is not up to date, side by side, watched by Prefect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from cli import plan as plans
from cli import recipe as recipes
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

EXAMPLES = (
    "Examples: `breathline run --jobs 2` · `breathline run --recipe demo` · `breathline run --target soft_labels` · "
    "`breathline run --force evaluate` · `breathline run --dry`. The same without Prefect: `dvc repro`."
)


def run(
    *,
    target: plans.Targets = [],  # noqa: B006 - Typer reads the default and changes nothing
    recipe: Annotated[str | None, typer.Option(help="write this recipe into params.yaml first")] = None,
    force: plans.Forced = [],  # noqa: B006
    jobs: Annotated[int, typer.Option(min=1, help="how many stages may run at once")] = 2,
    gpus: Annotated[int | None, typer.Option(min=1, help="how many of them on a GPU; as many as there are")] = None,
    on: Annotated[list[str], typer.Option(help="STAGE=POOL: on a worker of that work pool; repeatable")] = [],  # noqa: B006
    task_runner: Annotated[
        str, typer.Option(help="what extract and fbank map over: threads, processes, dask, dask:ADDRESS")
    ] = "threads",
    dry: Annotated[bool, typer.Option("--dry", help="show the plan, run nothing, write nothing")] = False,
) -> None:
    """Run every stage that is not up to date, independent ones side by side."""
    from flows import prefect_server
    from flows.processes.run_lock import exclusive_run
    from flows.recipes import writing

    console = Console()
    root = Path.cwd()
    pools = _pools(on)
    if dry:
        if recipe:
            recipes.show_edit(writing.edit(root, recipe), recipe, dry=True)
            console.print("The plan of params.yaml as it stands, without that recipe:")
        plans.show(plans.made(target, force, on=pools))
        return
    with exclusive_run(root):
        if recipe:
            planned = writing.edit(root, recipe)
            recipes.show_edit(planned, recipe)
            writing.write(root, planned)
        steps = plans.made(target, force, on=pools)
    plans.show(steps)
    if not any(step.runs for step in steps):
        return
    with console.status("Starting Prefect …"):
        prefect_server.ensure()
        from flows.pipeline import pipeline
    state: State[Any] = pipeline(
        targets=target,
        recipe=recipe,
        force=force,
        jobs=jobs,
        gpus=gpus,
        workers=pools,
        task_runner=task_runner,
        project=root,
        return_state=True,
    )
    if not state.is_completed():
        hint = "the end of the log is above; what has ended well is not run again"
        raise BreathlineError(state.message or state.name or "The flow failed.", hint=hint)
    counts = Counter(state.result().values())
    console.print("Done: " + ", ".join(f"{number} {word}" for word, number in counts.items()))


def _pools(pairs: Sequence[str]) -> dict[str, str]:
    """Return the work pool of each stage that `--on` names."""
    found = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    if len(found) != len(pairs) or not all(found.values()):
        raise BreathlineError(
            "`--on` takes a stage and a work pool.", where=" ".join(pairs), hint="--on train_teacher=gpu"
        )
    return found
