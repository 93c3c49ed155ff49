"""Command `breathline doctor`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

EXAMPLES = "Examples: `breathline doctor` · `breathline doctor --json | jq '.[] | select(.state != \"ok\")'`"
STYLES = {"ok": "green", "unusual": "yellow", "missing": "bold red"}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="print the results as JSON")] = False) -> None:
    """Check the machine, the packages and the project; end with status 1 if something is missing."""
    from rich.table import Table

    from cli.doctor import machine, project

    console = Console()
    with Console(stderr=True).status("Checking the machine, the packages and the project …"):
        results = [*machine.checks(Path.cwd()), *project.checks(Path.cwd())]
    if as_json:
        typer.echo(json.dumps([asdict(result) for result in results], indent=2))
    else:
        table = Table("subject", "state", "found", "next step", box=None, pad_edge=False, header_style="bold")
        for result in results:
            table.add_row(result.topic, f"[{STYLES[result.state]}]{result.state}[/]", result.found, result.advice)
        console.print(table)
    if any(result.state == "missing" for result in results):
        raise typer.Exit(1)
