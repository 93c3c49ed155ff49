"""Command `breathline doctor`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column
from rich.text import Text

from cli.doctor.check_result import Check, CheckResult, run
from cli.output import print_json, table
from tasks.runtime.consoles import make_console
from tasks.runtime.words import counted

STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def doctor(
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="also import torch, Prefect and Great Expectations, and use the GPUs")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the results as JSON")] = False,
) -> None:
    """Check the machine, the installation and the project; end with status 1 if there is a problem.

    A warning is a fact to know; a problem stops a run or makes its results wrong.
    """
    root = Path.cwd()
    with make_console(stderr=True).status("Checking the machine, the installation and the project …"):
        results = {section: list(run(checks, root)) for section, checks in _sections(deep=deep).items()}
    if as_json:
        print_json([{"section": section} | asdict(one) for section, found in results.items() for one in found])
    else:
        show(results)
    if any(one.state == "problem" for found in results.values() for one in found):
        raise typer.Exit(1)


def show(results: Mapping[str, Sequence[CheckResult]]) -> None:
    """Print the results by section, the next step below each warning and problem, and the number of each state."""
    console = make_console(highlight=False)
    for section, found in results.items():
        shown = table(Column(width=7, no_wrap=True), Column(width=18, no_wrap=True), Column(overflow="fold"))
        shown.show_header = False
        for one in found:
            text = Text(one.found)
            if one.advice:
                text.append(f"\nnext: {one.advice}", style="" if one.state == "ok" else STYLES[one.state])
            shown.add_row(Text(one.state, style=STYLES[one.state]), one.topic, text)
        console.print(Text(section, style="bold"))
        console.print(shown)
        console.print()
    counts = Counter(one.state for found in results.values() for one in found)
    console.print(
        f"{counts['ok']} ok, {counted(counts['warning'], 'warning')}, {counted(counts['problem'], 'problem')}."
    )


def _sections(*, deep: bool) -> dict[str, Sequence[Check]]:
    from cli.doctor import installation, machine, project, variables

    sections: dict[str, Sequence[Check]] = {
        "Installation": installation.CHECKS,
        "Environment variables": variables.CHECKS,
        "Machine": machine.CHECKS,
        "Project": project.CHECKS,
    }
    if deep:
        from cli.doctor import deep as deep_checks

        sections["Deep"] = deep_checks.CHECKS
    return sections
