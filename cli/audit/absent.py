"""Command `breathline audit absent`: search for the data of a removed patient."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from cli.output import print_json
from tasks.runtime.consoles import make_console

if TYPE_CHECKING:
    from lineage.absence.search import Absence

MOST = 20


def absent(
    patient: Annotated[
        str,
        typer.Argument(
            metavar="patient:N", help="the removed patient; patient:CORPUS:N if several corpora have the number"
        ),
    ],
    before: Annotated[
        str | None, typer.Option(help="an earlier run with the patient: a Git revision or a folder")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Search all outs for a patient: names, numbers, and hashes of files, samples, features and weights.

    The hashes are taken from an earlier run: by default the last commit of dvc.lock with the patient.
    """
    from lineage.absence.search import find

    found = find(Path(), patient, before)
    if as_json:
        print_json(found.as_json())
    else:
        show(found)
    if not found.proven:
        raise typer.Exit(1)


def show(found: Absence) -> None:
    """Print the search, its results, and places that were not searched."""
    console = make_console(highlight=False, soft_wrap=True)
    for trace in found.traces[:MOST]:
        console.print(f"[red]left[/]  {escape(trace.path)}: {escape(trace.what)}")
    if len(found.traces) > MOST:
        console.print(f"      and {len(found.traces) - MOST} more (--json names all)")
    if found.homonyms:
        others = escape(", ".join(found.homonyms))
        console.print(
            f"[yellow]Another patient {found.patient} is in {others}: those files were searched by hash alone.[/]"
        )
    if found.not_there:
        console.print(f"[yellow]Missing or not readable, so not searched: {escape(', '.join(found.not_there))}[/]")
    searched = f"{found.files} files, {found.rows} rows of numbers"
    if found.known_by is None:
        console.print(
            "[yellow]Only names and numbers were searched: no earlier run with the patient was found, and without its "
            "hashes nothing is proven. Name an earlier run: --before REVISION or FOLDER.[/]"
        )
    else:
        kinds = ", ".join(f"{found.known_by[kind]} {kind}" for kind in ("files", "rows", "weights"))
        console.print(
            f"Searched for names, the number, and hashes of {kinds} as in {escape(str(found.known_by['taken_of']))}."
        )
        if found.known_by["unread"]:
            missing = ", ".join(found.known_by["unread"])
            console.print(f"[yellow]That run's {missing} could not be read (`dvc fetch`): not proven.[/]")
    if found.traces:
        hint = f"add it to {found.setting or 'exclude_patients of its corpus'}, then `breathline run`"
        console.print(f"[red]Patient {found.patient} is still in {len(found.traces)} places[/] of {searched}: {hint}.")
        return
    colour, what = ("green", "is left") if found.proven else ("yellow", "was found")
    console.print(f"[{colour}]Nothing of patient {found.patient} {what}[/] in {searched}.")
    console.print(
        "Not searched: DVC's cache, experiments, workspaces, remotes and other files. "
        f"`breathline withdraw patient:{found.patient}` searches and erases them; --dry shows what it finds."
    )
