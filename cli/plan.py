"""`breathline plan`: the stages that would run, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column
from rich.text import Text

from cli.options import Forced, Targets
from cli.output import print_json, table
from tasks.runtime import garbage
from tasks.runtime.consoles import make_console

if TYPE_CHECKING:
    from flows.plan import Step


def plan(
    target: Targets = [],  # noqa: B006 - Typer reads the default and changes nothing
    force: Forced = [],  # noqa: B006
    as_json: Annotated[bool, typer.Option("--json", help="Print the steps as JSON.")] = False,
) -> None:
    """Show for every stage whether it is up to date, or why it would run; nothing runs."""
    steps = read_plan(target, force)
    if as_json:
        print_json([asdict(step) for step in steps])
    else:
        show(steps)


def read_plan(targets: Sequence[str], force: Sequence[str], on: Iterable[str] = ()) -> tuple[Step, ...]:
    """Return the plan for the project in the current folder.

    Args:
        targets: Last stages to run; all stages, if empty.
        force: Stages that run even if they are up to date.
        on: Stages of the option `--on`, which must exist.

    Raises:
        BreathlineError: A key of params.yaml is wrong, a stage is unknown, or DVC cannot read the graph.
    """
    with garbage.paused():
        from flows import graph
        from flows import plan as plans
        from tasks.parameters import checked

        checked.check_project(Path.cwd())
        stages = graph.read(Path.cwd())
    plans.expand(stages, on)
    steps = plans.plan(stages, targets=targets, force=force)
    plans.check_split(Path.cwd(), steps)
    return steps


def show(steps: Sequence[Step]) -> None:
    """Print a plan as a table, then the number of stages that run."""
    shown = table(Column("stage", no_wrap=True), Column("plan", no_wrap=True), "reasons")
    for step in steps:
        action = "[yellow]runs[/]" if step.runs else "[green]up to date[/]"
        shown.add_row(step.stage, action, Text(_shorten(step.reasons)))
    console = make_console()
    console.print(shown)
    running = sum(step.runs for step in steps)
    console.print(f"{running} of {len(steps)} stages run." if running else "All stages are up to date.")
    for line in _unpinned(steps):
        console.print(line, markup=False, highlight=False)


def _unpinned(steps: Sequence[Step]) -> Iterator[str]:
    """Yield a note on each set of weights that will be fetched, and whose version params.yaml does not state."""
    from models.file_names import SOURCE
    from tasks.artifacts import WEIGHTS
    from tasks.pretrained.settings import WeightsSettings
    from tasks.runtime import params

    for group, _, name in (step.stage.partition("@") for step in steps if step.runs):
        if group == "weights":
            key = f"weights.{name}"
            settings = params.parse(WeightsSettings, params.section(params.read(), key), key)
            missing, recorded = "`sha256` is not set", "its SHA-256"
            if settings.on_hub:
                missing, recorded = "neither `revision` nor `sha256` is set", "its commit and SHA-256"
            if not settings.pinned:
                yield f"{key}: {missing}, so the current file of {settings.source} is used."
                yield f"  {WEIGHTS / name / SOURCE} will hold {recorded}, to be copied into params.yaml."


def _shorten(reasons: Sequence[str], limit: int = 4) -> str:
    more = len(reasons) - limit
    return "\n".join([*reasons[:limit], *([f"and {more} more (see --json)"] if more > 0 else [])])
