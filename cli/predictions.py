"""Predictions on a terminal: progress, tables of segments and summaries, notes and warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Column

from cli.output import table
from tasks.prediction.results import CAUTION, Summary, by_patient, summarise
from tasks.runtime.words import counted

if TYPE_CHECKING:
    from tasks.prediction.results import Prediction, Segment

SHOWN = 60  # rows and notes printed; `--out` writes all
LONG = 4 << 20  # bytes of a recording whose progress is shown


@contextmanager
def progress(
    recordings: Sequence[Path], console: Console
) -> Iterator[tuple[Callable[[Path, int], None], Callable[[Path], None]]]:
    """Show a bar with the time left, and yield the callbacks that move it.

    The callbacks take a recording and a number of frames that were read, and a recording that is done.

    Args:
        recordings: Recordings.
        console: Console; nothing is shown if it is no terminal, or if the work is short.
    """
    sizes = {path: path.stat().st_size for path in recordings}
    if not console.is_terminal or (len(recordings) == 1 and sum(sizes.values()) < LONG):
        yield (lambda _path, _frames: None), (lambda _: None)
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Predicting"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=sum(sizes.values()))
        moved = dict.fromkeys(sizes, 0)

        def on_frames(path: Path, frames: int) -> None:
            # 2 bytes a frame, the usual width; `on_done` adds the rest, or a compressed file has moved less.
            step = min(2 * frames, sizes[path] - moved[path])
            moved[path] += step
            bar.advance(task, step)

        def on_done(path: Path) -> None:
            bar.advance(task, sizes[path] - moved[path])

        yield on_frames, on_done


def show(predictions: Sequence[Prediction], console: Console) -> None:
    """Print predictions of one model: warnings, segments, summaries and notes."""
    model = predictions[0].model
    console.print(f"[bold]{escape(model.label)}[/] · {model.labels} · engine {model.engine}")
    if model.threshold is not None:
        console.print(f"Decision rule of the model: normal if p(normal) ≥ {model.threshold:g}")
    if model.banner:
        console.print(f"[bold yellow]{escape(model.banner)}[/]")
    console.print()
    _show_segments(predictions, console)
    _show_notes(predictions, console)
    if len(predictions) > 1 or predictions[0].summary.segments > 1:
        _show_summaries(predictions, console)
    total = summarise(predictions)
    words = {"judged": "judged", "uncertain": "uncertain", "unlike": "unlike", "not_judged": "not judged"}
    counts = [f"{total.decisions[name]} {word}" for name, word in words.items() if name in total.decisions]
    of = f"{counted(total.segments, 'segment')} of {counted(len(predictions), 'recording')}"
    console.print(f"\n{of}: {', '.join(counts)}. {CAUTION}")
    if any(one.cycle_id is None and one.predicted for prediction in predictions for one in prediction.segments):
        console.print(
            "[yellow]Recordings without annotations are cut into windows; the model was trained on whole cycles.[/]"
        )


def _show_segments(predictions: Sequence[Prediction], console: Console) -> None:
    classes = predictions[0].model.classes
    start, end, *probabilities = (
        Column(name, justify="right", no_wrap=True) for name in ("start s", "end s", *classes)
    )
    shown = table(Column("recording", overflow="fold"), start, end, Column("predicted", no_wrap=True), *probabilities)
    rows = [(prediction, one) for prediction in predictions for one in prediction.segments]
    last = None
    for prediction, one in rows[:SHOWN]:
        given = one.judgement.probabilities or (None,) * len(classes)
        values = [_probability(p, name, one) for p, name in zip(given, classes, strict=True)]
        times = (f"{one.start_s:.2f}", f"{one.end_s:.2f}")
        name = "" if prediction is last else escape(prediction.recording)
        last = prediction
        shown.add_row(name, *times, _decision(one), *values)
    console.print(shown)
    if (more := len(rows) - SHOWN) > 0:
        console.print(f"… and {more} more; `--out FILE` writes all")


def _decision(one: Segment) -> str:
    """Return the class, or the decision where there is none."""
    if one.decision == "not_judged":
        return "not judged"
    predicted = escape(str(one.predicted))
    return predicted if one.decision == "judged" else f"[yellow]{predicted}?[/]"


def _probability(value: float | None, name: str, one: Segment) -> str:
    if value is None:
        return "–"
    return f"[bold]{value:.2f}[/]" if one.predicted == name else f"{value:.2f}"


def _show_summaries(predictions: Sequence[Prediction], console: Console) -> None:
    """Print a row for each recording, and for each known patient."""
    patients = by_patient(predictions)
    names = ("segments", "judged", "open", "abnormal", "longest run")
    columns = [Column(name, justify="right", no_wrap=True) for name in names]
    shown = table(Column("summary of", overflow="fold"), *columns)
    for prediction in predictions[:SHOWN]:
        shown.add_row(escape(prediction.recording), *_summary(prediction.summary))
    for patient, some in list(patients.items())[:SHOWN]:
        shown.add_row(escape(f"patient {patient} ({len(some)})"), *_summary(summarise(some)))
    console.print()
    console.print(shown)
    if len(predictions) > SHOWN or len(patients) > SHOWN:
        console.print("… and more; `--summary FILE` writes all")


def _summary(found: Summary) -> tuple[str, ...]:
    share = "–" if found.abnormal_share is None else f"{found.abnormal_share:.0%}"
    counts = map(str, (found.segments, found.decisions.get("judged", 0), found.open))
    return *counts, share, f"{found.longest_abnormal_s:.1f} s"


def _show_notes(predictions: Sequence[Prediction], console: Console) -> None:
    """Print each note once for each recording."""
    notes: dict[tuple[str, str], int] = {}
    for prediction in predictions:
        for one in prediction.segments:
            for note in prediction.segment_notes(one):
                key = (Path(prediction.file or prediction.recording).name, note)
                notes[key] = notes.get(key, 0) + 1
    for (file, note), count in list(notes.items())[:SHOWN]:
        times = f" ({count} segments)" if count > 1 else ""
        console.print(f"[yellow]{escape(file)}:[/] {escape(note)}{times}")
    if len(notes) > SHOWN:
        console.print(f"… and {len(notes) - SHOWN} more notes; `--out FILE` writes all")
