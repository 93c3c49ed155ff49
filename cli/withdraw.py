"""Command `breathline withdraw`: complete removal of a patient."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from cli.output import print_json, table
from tasks.runtime.consoles import make_console
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import counted, listed, printable

if TYPE_CHECKING:
    from flows.withdrawal.plan import Plan
    from flows.withdrawal.run import Outcome

MOST = 20


def withdraw(
    patient: Annotated[
        str,
        typer.Argument(metavar="patient:N", help="the patient; patient:CORPUS:N if several corpora have the number"),
    ],
    *,
    remote: Annotated[
        list[str], typer.Option(help="Remote of DVC to erase from, a folder of this machine. Repeatable.")
    ] = [],  # noqa: B006 - Typer reads the default and changes nothing
    dry: Annotated[bool, typer.Option("--dry", help="Show the plan; run, write and erase nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print plan, or result, as JSON.")] = False,
) -> None:
    """Withdraw a patient completely: exclude, run again, erase every copy, search again, write a letter.

    Erased are the objects of DVC's cache and run-cache, experiments, exports and other files
    that hold data of the patient or were made from them. Erased whole are the workspaces with
    such a run, all texts of errors (.lineage/errors), and the folders of interrupted work of all
    trainings: .checkpoints, and models, exps and reproductions in .dvc/tmp.
    Earlier runs with the patient can then not be restored.
    The letter names what a person has to do; the status is 0 only if nothing was found.
    An interrupted withdrawal is continued by the same command.
    """
    from flows.processes.run_lock import exclusive_run
    from flows.withdrawal import letter, plan, run

    root, console = Path.cwd(), make_console(highlight=False)
    if dry:
        planned = plan.make(root, patient, remote)
        print_json(_plan(planned)) if as_json else show(planned, console)
        return
    with exclusive_run(root):
        planned = plan.make(root, patient, remote)
        if not as_json:
            show(planned, console)
        _confirm(yes=yes)
        outcome = run.carry_out(root, planned)
        path = letter.write(root, outcome)
    if as_json:
        print_json(_plan(planned) | _outcome(outcome, path))
    else:
        show_outcome(outcome, path, console)
    if not outcome.proven:
        raise typer.Exit(1)


def _confirm(*, yes: bool) -> None:
    """Ask whether to erase.

    Raises:
        BreathlineError: No terminal can be asked, and `--yes` is not given.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        what = "A withdrawal erases data for good, and no terminal can be asked."
        raise BreathlineError(what, where="--yes", hint="see the plan with --dry, then give --yes")
    typer.confirm("Erase this for good?", default=False, abort=True, err=True)


def show(planned: Plan, console: Console) -> None:
    """Print a plan."""
    cached = planned.stores.cached
    in_git = (*planned.stores.in_git.files, *planned.stores.in_git.unreachable)
    learned = [rerun.stage for rerun in planned.reruns if rerun.learned]
    rows = {
        "patient": f"{planned.patient} of the corpus {planned.corpus.name} ({planned.corpus.role})",
        "params.yaml": f"{planned.setting}: {'+' if planned.edit.changes else 'has'} {planned.patient}",
        "runs again": f"{counted(len(planned.reruns), 'stage')}, of which {counted(len(learned), 'stage')} learned "
        f"from the patient: {listed(learned, MOST) or 'none'}",
        "DVC's cache": f"{counted(len(cached.objects), 'object')}, {cached.bytes / 1e6:.1f} MB, at most: what the "
        "new run makes with equal bytes stays",
        "run-cache": counted(len(cached.entries), "entry", "entries"),
        "experiments": listed(planned.stores.experiments, MOST) or "none",
        "workspaces": listed(list(map(_relative, planned.stores.workspaces)), MOST) or "none",
        "copies": listed(list(map(_size, planned.stores.copies)), MOST) or "none",
        "remotes": listed([_remote(one.name, erased=one.erased) for one in planned.remotes], MOST) or "none",
        "versions": f"{listed(planned.stores.versions, MOST)}: no longer usable" if planned.stores.versions else "none",
        "not erased": listed([*(one.path for one in planned.stores.files), *planned.stores.links], MOST)
        or "see the letter",
        "in Git": f"{listed([one.path for one in in_git], MOST)}: not erased" if in_git else "nothing found",
    }
    shown = table("", "", show_header=False)
    for name, text in rows.items():
        if console.is_terminal:
            shown.add_row(Text(name, style="bold"), Text(text))
        else:
            console.print(Text(f"{name}: {text}"), soft_wrap=True)
    if console.is_terminal:
        console.print(shown)


def show_outcome(outcome: Outcome, letter: Path, console: Console) -> None:
    """Print the result of a withdrawal."""
    _list(outcome.unfinished, letter, console, "red")
    if outcome.for_people:
        console.print("A person has to look at:", style="yellow")
        _list(outcome.for_people, letter, console, "yellow")
    searched = f"{outcome.absence.files} files, {outcome.stores.cached.searched} objects of the cache, Git"
    if outcome.proven:
        text = Text.assemble(("Withdrawn", "green"), f": nothing of the patient is left in {searched}.")
    elif outcome.unfinished:
        text = Text.assemble(("Not proven", "red"), f" ({searched}): see above, and run the command again.")
    else:
        places = counted(len(outcome.for_people), "place")
        text = Text.assemble(("Erased", "yellow"), f" what can be erased from here ({searched}); {places} left, above.")
    console.print(text, soft_wrap=not console.is_terminal)
    console.print(Text(f"For the data protection officer: {letter}"), soft_wrap=True)
    console.print("Next: `git add --update` and `git commit`, then `dvc push`", soft_wrap=True)


def _list(lines: Sequence[str], letter: Path, console: Console, style: str) -> None:
    for line in lines[:MOST]:
        console.print(Text(printable(line, 500), style=style), soft_wrap=not console.is_terminal)
    if len(lines) > MOST:
        console.print(f"and {len(lines) - MOST} more: {letter}")


def _relative(path: Path) -> str:
    return Path(os.path.relpath(path)).as_posix()  # a workspace has the project, with its log, above it


def _size(path: Path) -> str:
    """Return a path, and for a folder that is erased whole its size."""
    if not path.is_dir():
        return _relative(path)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return f"{_relative(path)}/ ({size / 1e6:.1f} MB, whole)"


def _remote(name: str, *, erased: bool) -> str:
    return f"{name} (erased)" if erased else f"{name} (not erased: --remote {name})"


def _plan(planned: Plan) -> dict[str, Any]:
    """Return a plan as JSON values."""
    cached = planned.stores.cached
    found = {
        "patient": planned.name,
        "changes": [asdict(change) for change in planned.edit.changes],
        "reruns": [asdict(rerun) for rerun in planned.reruns],
        "objects": sorted(cached.objects),
        "bytes": cached.bytes,
        "run_cache": len(cached.entries),
        **{key: getattr(planned.stores, key) for key in ("experiments", "workspaces", "copies", "versions")},
        "in_git": asdict(planned.stores.in_git),
        "links": list(planned.stores.links),
        "files": [asdict(file) for file in planned.stores.files],
        "remotes": [{"name": one.name, "url": one.url, "erased": one.erased} for one in planned.remotes],
    }
    return dict(json.loads(json.dumps(found, default=str)))


def _outcome(outcome: Outcome, letter: Path) -> dict[str, Any]:
    """Return the result of a withdrawal as JSON values."""
    return {
        "proven": outcome.proven,
        "erased": asdict(outcome.erased),
        "absence": outcome.absence.as_json(),
        "unfinished": outcome.unfinished,
        "for_people": outcome.for_people,
        "letter": letter.as_posix(),
    }
