"""Command `breathline doctor`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.output import print_json, table

STYLES = {"ok": "green", "unusual": "yellow", "missing": "bold red"}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="print the results as JSON")] = False) -> None:
    """Check the machine, the packages and the project; end with status 1 if something is missing."""
    from cli.doctor import machine, project

    console = Console()
    with Console(stderr=True).status("Checking the machine, the packages and the project …"):
        results = [*machine.checks(Path.cwd()), *project.checks(Path.cwd())]
    if as_json:
        print_json([asdict(result) for result in results])
    else:
        shown = table("subject", "state", "found", "next step")
        for result in results:
            shown.add_row(result.topic, f"[{STYLES[result.state]}]{result.state}[/]", result.found, result.advice)
        console.print(shown)
    if any(result.state == "missing" for result in results):
        raise typer.Exit(1)
