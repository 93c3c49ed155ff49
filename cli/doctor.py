"""`breathline doctor`: what is missing or unusual on this machine, and what to do about it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

EXAMPLES = "Examples: `breathline doctor` · `breathline doctor --json | jq '.[] | select(.state != \"ok\")'`"
STYLES = {"ok": "green", "unusual": "yellow", "missing": "bold red"}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="for programs: a list of findings")] = False) -> None:
    """Tell what is missing or unusual on this machine; status 1 when something is missing."""
    from rich.table import Table

    from cli import machine, project

    console = Console()
    with Console(stderr=True).status("Looking at the machine, the packages and the project …"):
        findings = [*machine.findings(Path.cwd()), *project.findings(Path.cwd())]
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        table = Table("what", "state", "found", "what to do", box=None, pad_edge=False, header_style="bold")
        for finding in findings:
            state = f"[{STYLES[finding.state]}]{finding.state}[/]"
            table.add_row(finding.topic, state, finding.found, finding.advice)
        console.print(table)
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(1)
