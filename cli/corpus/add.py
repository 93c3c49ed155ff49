"""Command `breathline corpus add`: a user's own recordings as a corpus."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from cli.output import table
from tasks.own_data.formats import Choice
from tasks.runtime.consoles import make_console
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import counted

if TYPE_CHECKING:
    from flows.recipes.writing import Edit
    from tasks.own_data.problems import Problems
    from tasks.own_data.request import Draft, Request


def add(
    name: Annotated[str, typer.Argument(help="Name of the corpus: letters, digits, `-` and `_`.", show_default=False)],
    *,
    audio: Annotated[Path, typer.Option(help="Folder of the recordings, with its subfolders.", show_default=False)],
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--table",
            help="Table (.csv, .tsv, .xlsx, .parquet): a row a segment, or a row a recording. "
            "With --annotations it has the facts of the recordings.",
        ),
    ] = None,
    columns: Annotated[
        list[str], typer.Option("--map", help="FIELD=COLUMN; FIELD= ignores a field; unit=s or unit=ms. Repeatable.")
    ] = [],  # noqa: B006 - Typer reads the default and changes nothing
    label: Annotated[
        list[str],
        typer.Option(help="LABEL=CLASS: normal, crackle, wheeze, both, abnormal, own, or - (left out). Repeatable."),
    ] = [],  # noqa: B006
    annotations: Annotated[
        Choice | None, typer.Option(help="Format of annotation files beside the recordings.")
    ] = None,
    patient_from: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Regular expression that finds the patient in a file name.")
    ] = None,
    window: Annotated[
        float | None, typer.Option(min=0.1, help="Cut recordings without times into windows of this many seconds.")
    ] = None,
    role: Annotated[
        Literal["training", "external"], typer.Option(help="Learned from, or only tested on.")
    ] = "training",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    dry: Annotated[bool, typer.Option("--dry", help="Show what would be done; write nothing.")] = False,
) -> None:
    """Add own recordings as a corpus, from a table or from annotation files beside them.

    Columns, labels, units and patients are guessed and shown. All problems are in one
    message, before anything is written. The corpus becomes `corpora/NAME.csv` and an
    item of params.yaml; `dvc repro` does the rest. Guide: docs/how-to/own-data.md.
    """
    from flows.corpora import git_exclusion, items
    from flows.processes.run_lock import exclusive_run
    from flows.recipes import writing
    from flows.recipes.params_text import PARAMS
    from tasks.corpora.table import normalised
    from tasks.own_data.problems import Problems
    from tasks.runtime.files import write_text

    console = make_console(highlight=False)
    request = _request(
        name, audio, sheet, columns=columns, classes=label, annotations=annotations, patient_from=patient_from,
        window=window, role=role,
    )  # fmt: skip
    asking = not yes and not dry and is_terminal(console)
    problems = Problems()
    made = _draft(request, problems, asking=asking)
    _show(made, console)
    problems.refuse(items.problems_of(name))
    own = [audio, *([sheet] if sheet else [])]
    for warning in git_exclusion.warnings(Path(), own):
        console.print(f"[yellow]![/] {escape(warning)}", soft_wrap=True)
    content = normalised.encode(made.rows)
    path = items.table_of(name)
    keys = {
        "format": "table",
        "source": "directory",
        "path": audio.as_posix(),
        "table": {"file": path.as_posix(), "sha256": hashlib.sha256(content).hexdigest()},
    }
    split: str | int = "own" if {row.split for row in made.rows} == {"train", "test"} else 0
    patients = {row.patient_id for row in made.rows}
    if dry:
        _show_changes(items.add(Path(), name, role, keys, split=split, patients=patients), path, console)
        return
    # A running stage must neither lose its outs nor continue with other parameters.
    with exclusive_run(Path()):
        planned = items.add(Path(), name, role, keys, split=split, patients=patients)
        _show_changes(planned, path, console)
        if asking and not typer.confirm("Write this?", default=True):
            raise typer.Exit(1)
        excluded = git_exclusion.exclude(Path(), own)  # first, because it may fail
        write_text(path, content.decode())
        writing.write(Path(), planned)
    if excluded:
        console.print(f"Excluded from Git by {git_exclusion.IGNORE}: {escape(', '.join(excluded))}", soft_wrap=True)
    console.print("\nNext: [bold]breathline plan[/] shows what runs, [bold]dvc repro[/] runs it.")
    new = f"{path} {git_exclusion.IGNORE}" if excluded else path
    console.print(f"For Git: [bold]git add {PARAMS} {new}[/]", soft_wrap=True)


def is_terminal(console: Console) -> bool:
    """Return whether a person can answer questions."""
    return sys.stdin.isatty() and console.is_terminal


def _request(
    name: str,
    folder: Path,
    sheet: Path | None,
    *,
    columns: Sequence[str],
    classes: Sequence[str],
    annotations: Choice | None,
    patient_from: str | None,
    window: float | None,
    role: Literal["training", "external"],
) -> Request:
    """Return the request of the options.

    Raises:
        BreathlineError: The name or an option is wrong.
    """
    from tasks.checks.settings import CheckSettings
    from tasks.own_data.request import Request
    from tasks.runtime import params
    from tasks.runtime.value_types import MAX_NAME, NAME

    if not re.fullmatch(NAME, name):
        hint = f"use up to {MAX_NAME} letters (a-z), digits, `-` and `_`"
        raise BreathlineError(f"`{name}` is no name of a corpus.", where="NAME", hint=hint)
    return Request(
        name=name,
        folder=folder,
        table=sheet,
        columns=_pairs(columns, "--map"),
        classes=_pairs(classes, "--label"),
        beside=sheet is None or annotations is not None,
        format=None if annotations == "auto" else annotations,
        patient_from=patient_from,
        window_s=window,
        role=role,
        limits=params.parse(CheckSettings, params.section(params.read(), "validate"), "validate"),
    )


def _pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """Return pairs of the form ``LEFT=RIGHT``; the left side may hold an equals sign."""
    found = {}
    for text in given:
        left, separator, right = text.rpartition("=")
        if not separator:
            raise BreathlineError(f"`{text}` has no `=`.", where=option, hint=f"write {option} LEFT=RIGHT")
        found[left.strip()] = right.strip()
    return found


def _draft(request: Request, problems: Problems, *, asking: bool) -> Draft:
    """Return the draft of a corpus; on a terminal, columns and labels that are not known are asked for."""
    from cli.corpus import questions
    from tasks.own_data import audio, draft

    reader = audio.Reader()
    made = draft.make(request, problems, reader)
    answered = questions.ask(request, made) if asking else None
    while answered is not None:
        problems.found.clear()
        made = draft.make(answered, problems, reader)
        answered = questions.ask(answered, made)
    return made


def _show(made: Draft, console: Console) -> None:
    """Print the decisions and notes of a draft, and the number of segments."""
    shown = table("", "read from, or taken as", "")
    for one in made.decisions:
        shown.add_row(escape(one.subject), escape(one.value), "guessed" if one.guessed else "")
    console.print(shown)
    for note in made.notes:
        console.print(f"[yellow]![/] {escape(note)}")
    if made.rows:
        patients, recordings = ({getattr(row, key) for row in made.rows} for key in ("patient_id", "recording_id"))
        counts = {"patient": len(patients), "recording": len(recordings), "segment": len(made.rows)}
        console.print(", ".join(counted(number, noun) for noun, number in counts.items()))


def _show_changes(planned: Edit, path: Path, console: Console) -> None:
    """Print what is written and removed."""
    shown = table("key of params.yaml", "new")
    for change in planned.changes:
        shown.add_row(escape(change.key), escape(change.new) or "removed")
    console.print(shown)
    console.print(f"The segments are written to {path}.")
    for folder in planned.stale:
        console.print(f"No longer in params.yaml, removed: {folder}", soft_wrap=True)
