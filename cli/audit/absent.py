"""`breathline audit absent`: whether anything of a patient is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lineage.absence import proof
from lineage.absence.search import Absence

EXAMPLES = "Examples: `breathline audit absent patient:101`, `breathline audit absent patient:101 --before HEAD~3`"
MOST = 20


def absent(
    patient: Annotated[str, typer.Argument(metavar="patient:N", help="who must not be there")],
    before: Annotated[str | None, typer.Option(help="a run with the patient: a revision, or a folder")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the answer as JSON")] = False,
) -> None:
    """Search all current outs for a patient: names, numbers, and hashes of files, samples, features and weights.

    The hashes are those of an earlier run; by default of the last commit of dvc.lock whose run had the patient.
    """
    found = proof.of(Path(), patient, before)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
    else:
        show(found)
    if not found.proven:
        raise typer.Exit(1)


def show(found: Absence) -> None:
    """Print what was searched for, what was found, and what lies elsewhere."""
    console = Console(highlight=False, soft_wrap=True)
    for trace in found.traces[:MOST]:
        console.print(f"[red]left[/]  {trace.path}: {trace.what}")
    if len(found.traces) > MOST:
        console.print(f"      and {len(found.traces) - MOST} more (--json names all)")
    if found.not_there:
        console.print(f"[yellow]Not here, so not searched: {', '.join(found.not_there)}[/]")
    searched = f"{found.files} files, {found.rows} rows of numbers"
    if found.known_by is None:
        console.print(
            "[yellow]Only names and numbers were looked for: no earlier run with the patient was found, and without "
            "its hashes nothing is proven. Name one: --before REVISION or FOLDER.[/]"
        )
    else:
        kinds = ", ".join(f"{found.known_by[kind]} {kind}" for kind in ("files", "rows", "weights"))
        console.print(f"Looked for names, the number, and hashes of {kinds} as in {found.known_by['taken_of']}.")
        if found.known_by["unread"]:
            missing = ", ".join(found.known_by["unread"])
            console.print(f"[yellow]That run's {missing} could not be read (`dvc fetch`): not proven.[/]")
    if found.traces:
        hint = "name them in download.exclude_patients and `breathline run`"
        console.print(f"[red]Patient {found.patient} is still in {len(found.traces)} places[/] of {searched}: {hint}.")
        return
    colour, what = ("green", "is left") if found.proven else ("yellow", "was found")
    console.print(f"[{colour}]Nothing of patient {found.patient} {what}[/] in {searched}.")
    console.print(
        "Elsewhere they may be: in DVC's cache (`dvc gc --workspace`, with --cloud for the remote; then no earlier run "
        "can be restored), in other workspaces (.leaderboard/), and in the source that `download` reads."
    )
