"""Command `breathline audit reproduce`: a second run of recorded stages, compared with the first."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cli.output import print_json
from tasks.runtime.consoles import make_console
from tasks.runtime.words import counted

if TYPE_CHECKING:
    from lineage.reproduction.run import Outcome

COLOURS = {"reproduced": "green", "within tolerance": "green", "differs": "red", "not reproducible": "yellow"}
MOST = 8


def reproduce(
    what: Annotated[
        str,
        typer.Argument(
            help="a stage (`train_student@1`), a model (`student/1`, `teacher/t1`, its folder, `student@v1.2.0`), a "
            "path of an out, or `score` (trainings, soft labels and evaluation); `REV:` before it asks about a Git "
            "revision"
        ),
    ],
    *,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="run with other packages than those of the first run")
    ] = False,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            help="on other hardware: largest mean difference of probabilities, and largest fraction of cycles with "
            "another class",
        ),
    ] = 0.05,
    keep: Annotated[bool, typer.Option("--keep", help="keep the folder of the second run")] = False,
    everything: Annotated[bool, typer.Option("--all", help="print every difference")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the results as JSON")] = False,
) -> None:
    """Run stages again from their recorded commit, parameters and inputs, and compare the outs byte by byte.

    Each stage runs in a folder of its own, without DVC and its run-cache; the project stays as it is. On other
    hardware, trained networks are compared by their predictions. The recorded code is executed, as by `dvc repro`. The
    command ends with status 1 unless everything is reproduced.
    """
    from lineage.reproduction import run, targets
    from lineage.verify.audited_project import AuditedProject

    options = run.Options(anyway=anyway, tolerance=tolerance, keep=keep)
    console, found = make_console(highlight=False, soft_wrap=True), []
    with targets.find(AuditedProject(Path.cwd()), what) as runs:
        for outcome in targets.reproduce_each(runs, options):
            found.append(outcome)
            if not as_json:
                _show(outcome, console, everything=everything)
    if as_json:
        print_json([asdict(outcome) for outcome in found])
    if any(outcome.verdict in ("differs", "not reproducible") for outcome in found):
        raise typer.Exit(1)


def _show(outcome: Outcome, console: Console, *, everything: bool) -> None:
    """Print the verdict of a stage, its differences and the next step."""
    extent = f"{counted(outcome.files, 'file')}, {outcome.seconds:.1f} s" if outcome.files else ""
    equal = f": {outcome.extent}" if outcome.verdict == "reproduced" else ""
    colour = COLOURS[outcome.verdict]
    about = f" [dim]({escape(extent)})[/]" if extent else ""
    console.print(f"[{colour}]{outcome.verdict}[/]  [bold]{escape(outcome.stage)}[/]{equal}{about}")
    shown = outcome.differences if everything else outcome.differences[:MOST]
    for line in [*shown, *(f"other conditions: {one}" for one in outcome.conditions)]:
        console.print(f"  {escape(line)}")
    if len(outcome.differences) > len(shown):
        console.print(f"  [dim]and {len(outcome.differences) - len(shown)} more: --all[/]")
    if outcome.code:
        console.print(f"  [dim]code: {escape(', '.join(outcome.code))}[/]")
    if outcome.folder:
        console.print(f"  [dim]second run: {escape(outcome.folder)}[/]")
    if outcome.hint:
        console.print(f"  next: {escape(outcome.hint)}")
