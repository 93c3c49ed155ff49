"""`breathline plan`: which stages would run, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from flows.plan import Step

EXAMPLES = "Examples: `breathline plan` · `breathline plan --target evaluate` · `breathline plan --json | jq`"
Targets = Annotated[list[str], typer.Option("--target", help="only this stage and what it depends on; repeatable")]
Forced = Annotated[list[str], typer.Option("--force", help="a stage that runs in any case; repeatable")]


def plan(
    target: Targets = [],  # noqa: B006 - Typer reads the default and changes nothing
    force: Forced = [],  # noqa: B006
    as_json: Annotated[bool, typer.Option("--json", help="for programs: a list of steps")] = False,
) -> None:
    """Show for every stage whether it is up to date, or runs and why; nothing is run."""
    steps = made(target, force)
    if as_json:
        typer.echo(json.dumps([asdict(step) for step in steps], indent=2))
    else:
        show(steps)


def made(targets: Sequence[str], force: Sequence[str], on: Iterable[str] = ()) -> tuple[Step, ...]:
    """Return the plan for the project in the current folder; what runs on other workers has to be a stage, too."""
    from flows import graph
    from flows import plan as plans

    stages = graph.read(Path.cwd())
    plans.expand(stages, on)
    return plans.plan(stages, targets=targets, force=force)


def show(steps: Sequence[Step]) -> None:
    """Print a plan as a table, then how many stages run."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stage", no_wrap=True)
    table.add_column("plan", no_wrap=True)
    table.add_column("why")
    for step in steps:
        word = "[yellow]runs[/]" if step.runs else "[green]up to date[/]"
        table.add_row(step.stage, word, _short(step.reasons))
    console = Console()
    console.print(table)
    running = sum(step.runs for step in steps)
    console.print(f"{running} of {len(steps)} stages run." if running else "All is up to date.")


def _short(reasons: Sequence[str], most: int = 4) -> str:
    more = len(reasons) - most
    return "\n".join([*reasons[:most], *([f"and {more} more (see --json)"] if more > 0 else [])])
