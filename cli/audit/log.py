"""Command `breathline audit log`: all runs, the uses of each test set, and seeds that no figure reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.output import print_json
from tasks.runtime.consoles import make_console
from tasks.runtime.words import counted, listed, printable

if TYPE_CHECKING:
    from lineage.run_history import History, LoggedRun
    from lineage.test_sets import TestSet

NO_STAGE = "a patient"  # subject of an event without a stage
MOST = 20  # runs that are shown
CHANGES = 3  # changes of each kind that are shown
ALL = 10**6
NAMES = 6  # models that are shown
WORDS = {"done": "done", "failed": "failed", "unfinished": "without an end"}
STYLES = {"done": "green", "failed": "red", "unfinished": "yellow"}


def log(
    *,
    stage: Annotated[
        str | None, typer.Option(metavar="STAGE", help="only runs of this stage, or of a group such as train_student")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="print every run, change and model")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print runs, test sets and seeds as JSON")] = False,
) -> None:
    """List all runs: by whom, when, what changed, uses of each test set, and seeds that no figure reports.

    Entries come from the event logs of the project and its workspaces. Changes are those since the run of the same
    stage before, by the records; earlier records are in DVC's cache.
    """
    from lineage import run_history

    found = run_history.read(Path(), stage, most=None if everything or as_json else MOST)
    if as_json:
        print_json(found.as_json())
    else:
        show(found, make_console(highlight=False), everything=everything)


def show(found: History, console: Console, *, everything: bool) -> None:
    """Print a history: runs, test sets, seeds, and whether a log was altered."""
    runs = found.runs if everything else found.runs[-MOST:]
    _section(
        console, "Runs, and changes since the run before", (_run(run, found, everything=everything) for run in runs)
    )
    if len(runs) < len(found.runs):
        console.print(f"{len(found.runs) - len(runs)} earlier runs: --all", style="dim")
    console.print(Text(f"{_summary(found.runs)}\n"), soft_wrap=not console.is_terminal)
    if found.test_sets:
        _section(console, "Test sets", (_test_set(one, everything=everything) for one in found.test_sets))
        console.print()
    if found.seeds:
        _section(console, "Seeds of the student", _seeds(found))
    for name, faults in found.faults.items():
        where = "" if name == "." else f" of {name}"
        what = f"The event log{where} was altered ({counted(faults, 'fault')}): `breathline audit verify` names them."
        console.print(Text(what, style="red"), soft_wrap=not console.is_terminal)


def _section(console: Console, title: str, rows: Iterable[tuple[str, Sequence[Text]]]) -> None:
    """Print rows of a label and lines; whole rows on one line each where no terminal shows them."""
    console.print(f"[bold]{title}[/]")
    table = Table.grid(padding=(0, 2))
    for label, lines in rows:
        if console.is_terminal:
            table.add_row(label, Text("\n").join(lines))
        else:
            console.print(Text("  ").join([Text(label), *lines]), soft_wrap=True)
    if console.is_terminal:
        console.print(table)


def _run(run: LoggedRun, found: History, *, everything: bool) -> tuple[str, list[Text]]:
    """Return time, and lines about a run: stage and outcome, then what changed, or the error."""
    where = [f"in {run.log}"] if run.log != "." else []
    where += [f"experiment {run.experiment}"] if run.experiment else []
    took = f" in {run.seconds:.1f} s" if run.seconds is not None else ""
    status = WORDS.get(run.status, f"status {printable(run.status)}") if run.event == "run" else run.event
    first = Text.assemble(
        (printable(run.stage or NO_STAGE, 200), "bold"), "  ", (f"{status}{took}", STYLES.get(run.status, "red")),
        f"  {_by(run)}", *(f"  {printable(one, 200)}" for one in where),
    )  # fmt: skip
    changes = found.changes.get((run.log, run.number))
    if run.error:
        second = printable(run.error, 2000 if everything else 160)
    elif changes is None:
        return _minute(run.at), [first]
    elif isinstance(changes, str):
        return _minute(run.at), [Text.assemble(first, "  ", (changes, "dim"))]
    else:
        second = "; ".join(changes.in_words(ALL if everything else CHANGES))
    return _minute(run.at), [first, Text(second, style="dim")]


def _summary(runs: Sequence[LoggedRun]) -> str:
    """Return the numbers of runs by outcome, and who ran them."""
    runs = [run for run in runs if run.stage is not None]
    if not runs:
        return "No run can be read."
    statuses = Counter(run.status for run in runs)
    known = [(statuses.pop(one), word) for one, word in WORDS.items() if statuses[one]]
    unknown = [(number, f"with the status {printable(status)}") for status, number in statuses.items() if number]
    outcomes = ", ".join(f"{number} {word}" for number, word in (*known, *unknown))
    stages = counted(len({run.stage for run in runs}), "stage")
    people = ", ".join(f"{name} ({number})" for name, number in Counter(map(_by, runs)).most_common())
    return f"{counted(len(runs), 'run')} of {stages}: {outcomes}. By {people}."


def _test_set(one: TestSet, *, everything: bool) -> tuple[str, list[Text]]:
    """Return the short hash of a test set, and lines about its use."""
    if one.test_set is None:
        times = counted(one.evaluations, "evaluation")
        return "unknown", [Text(f"{times}: the entries do not name their test set, and their records are gone")]
    about = f"{counted(one.cycles, 'cycle')}, {one.labels}" if one.cycles is not None else "cycles unknown"
    numbers = " and ".join((counted(len(one.students), "student"), counted(len(one.teachers), "teacher")))
    use = f"evaluated {counted(one.evaluations, 'time')}, {_minute(one.first)} to {_minute(one.last)}: {numbers}"
    lines = [Text(about + (" (that of the current figures)" if one.current else "")), Text(use)]
    lines.append(Text(listed(list(_models(one)), ALL if everything else NAMES), style="dim"))
    return one.test_set[:8], lines


def _models(one: TestSet) -> Iterator[str]:
    """Yield the names of the models on a test set, with the first digits of the hash of each version."""
    versions: dict[str, list[str]] = {}
    for digest, names in (*one.students.items(), *one.teachers.items()):
        for name in names or ["name unknown"]:
            versions.setdefault(name, []).append(digest[:8])
    for name, digests in sorted(versions.items()):
        yield f"{name} ({', '.join(digests)})"


def _seeds(found: History) -> Iterator[tuple[str, list[Text]]]:
    """Yield each seed that was started and is in no figure, and one row for all others."""
    left = [one for one in found.seeds if not one.reported]
    for one in left:
        where = "" if one.log == "." else f" in {one.log}"
        runs = f"started {counted(one.started, 'time')}{where}, last {_minute(one.last)}"
        what = f"not in the figures: {runs}; {one.done} done, {one.failed} failed"
        yield f"seed {one.seed}", [Text(what, style="yellow")]
    names = [one.seed if one.log == "." else f"{one.seed} in {one.log}" for one in found.seeds if one.reported]
    if names:
        yield "reported", [Text(listed(names, 20))]


def _by(run: LoggedRun) -> str:
    """Return the user and the machine of a run."""
    return printable(f"{run.user or 'unknown'}@{run.host or 'unknown'}", 80)


def _minute(time: str | None) -> str:
    """Return a time of the log to the minute, in UTC."""
    try:
        return f"{datetime.fromisoformat(str(time)):%Y-%m-%d %H:%M}"
    except ValueError:
        return "time unknown"
