"""Command `breathline predict`: class predictions for unlabelled recordings."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from cli import loaded_model
from cli.loaded_model import Engine
from tasks.runtime.consoles import make_console
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from tasks.prediction.batch import Predicted
    from tasks.prediction.illustrations import Illustrator
    from tasks.prediction.passes import Options
    from tasks.prediction.predictor import Predictor
    from tasks.prediction.results import ModelIdentity, Prediction

Piped = Literal["table", "csv", "json", "jsonl", "parquet", "labels"]


def predict(
    recordings: Annotated[
        list[str],
        typer.Argument(
            help='recordings, folders, patterns such as "night/*.wav", or - for standard input', show_default=False
        ),
    ],
    *,
    model: Annotated[
        str | None,
        typer.Option(
            help="student@v1.2.0, student#production, student (the newest version), a Git revision, or a folder; "
            "default: the newest version, or without versions the model trained last"
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="seed of the model; default: the lowest")] = None,
    engine: Annotated[
        Engine, typer.Option(help="onnx (fast), or torch (the reference); auto: onnx where the model has its file")
    ] = "auto",
    windows: Annotated[
        str | None,
        typer.Option(
            help="windows in place of annotated cycles: LENGTH, LENGTH,HOP in seconds or LENGTH,OVERLAP%; "
            "default without annotation: as long as the model's clips",
            show_default=False,
        ),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="one class for each recording: the mean of its windows")
    ] = False,
    channel: Annotated[
        str,
        typer.Option(
            help="mean of all channels; 0, 1, …: one of them; best: of those clipped least, the one with the most "
            "energy from 100 to 1,000 Hz"
        ),
    ] = "mean",
    patients: Annotated[
        Path | None, typer.Option(help="CSV table with the columns recording and patient, for their summaries")
    ] = None,
    out: Annotated[
        list[Path], typer.Option(help="output file of all rows: .parquet, .csv, .json or .jsonl; repeatable")
    ] = [],  # noqa: B006 - Typer copies it
    summary: Annotated[
        Path | None, typer.Option(help="output file of the summaries of recordings and patients, as for --out")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="folder for a label track of each recording, which Audacity imports")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(help="page with summaries, spectrograms and sounds; with --engine torch also maps of the classes"),
    ] = None,
    piped: Annotated[
        Piped, typer.Option("--format", help="what is written to standard output; all else then goes to standard error")
    ] = "table",
    log: Annotated[
        Path | None,
        typer.Option(help="log of use, to which an entry is added for each recording: .parquet, or JSON lines"),
    ] = None,
    log_names: Annotated[bool, typer.Option("--log-names", help="with the names of the files in the log")] = False,
    log_device: Annotated[
        str | None, typer.Option(help="name of the recording device in the log, for monitoring")
    ] = None,
) -> None:
    """Predict the class of each respiratory cycle: research only, not a medical device.

    The annotation file with the recording's name gives the cycles: in the format of a corpus, Audacity
    or Raven, or two columns of times. Without one, the recording is cut into windows as long as the
    model's clips. Recordings of 1,000 to 384,000 Hz and any bit depth are read, up to 48 hours.

    Each segment is judged, uncertain (several classes are plausible), unlike anything that the model
    learned from, or not judged, because it has no usable sound; the reason is shown.

    Exit status: 0 if all recordings have a prediction, "not judged" included; 1 if one has none;
    2 for wrong options; 130 after Ctrl-C.
    """
    from tasks.prediction import channels, outputs
    from tasks.prediction.excerpts import Windows
    from tasks.prediction.passes import Options
    from tasks.prediction.recordings import STANDARD_INPUT, standard_input
    from tasks.runtime import files

    console = make_console(highlight=False, stderr=piped != "table")
    for path in (*out, *filter(None, [summary])):
        outputs.format_of(path)
    if html is not None:
        files.require_writable(html)
    if labels is not None:
        files.require_writable(labels / outputs.LABELS)
    if log is None and (log_names or log_device is not None):
        what = "There is no log that names of files or of a device could be in."
        raise BreathlineError(what, where="--log-names, --log-device", hint="give --log FILE as well")
    if log is not None:
        from tasks.prediction import use_log

        use_log.require_appendable(log)
    options = Options(
        windows=None if windows is None else Windows.parse(windows), whole=whole, channel=channels.parse(channel)
    )
    with ExitStack() as stack:
        given = _recordings(recordings, console)
        piped_in = stack.enter_context(standard_input()) if STANDARD_INPUT in recordings else None
        given += [piped_in] if piped_in else []
        if piped == "labels" and len(given) > 1:
            what = f"One output has no place for the label tracks of {len(given)} recordings, which all start at 0 s."
            raise BreathlineError(what, where="--format labels", hint="write a track for each: `--labels FOLDER`")
        predictor = loaded_model.load(model, seed, engine, console)
        illustrator = None
        if html is not None:
            from tasks.prediction.illustrations import Illustrator

            illustrator = Illustrator(predictor)
        found = _predicted(predictor, given, options, patients=patients, illustrator=illustrator, console=console)
        if log is not None:
            _log(log, found, predictor.identity, names=log_names, device=log_device)
        predictions = [
            replace(prediction, file=STANDARD_INPUT) if path == piped_in else prediction
            for path, prediction in found.by_file.items()
        ]
        _write(predictions, out=out, summary=summary, labels=labels, piped=piped, console=console)
        if html is not None and illustrator is not None and predictions:
            from tasks.prediction import page

            files.write_text(html, page.render(predictions, illustrator.by_recording, predictor.engine.rate))
            console.print(f"Written: {html}", soft_wrap=True, markup=False)
    _raise_failures(found, len(given), piped_in)


def _recordings(names: Sequence[str], console: Console) -> list[Path]:
    """Return the recordings that were named, and print what was left out."""
    from tasks.prediction import recordings

    found = recordings.find(name for name in names if name != recordings.STANDARD_INPUT)
    if note := found.note():
        console.print(f"[yellow]{note}[/]", soft_wrap=True)
    return found.recordings


def _predicted(
    predictor: Predictor,
    given: Sequence[Path],
    options: Options,
    *,
    patients: Path | None,
    illustrator: Illustrator | None,
    console: Console,
) -> Predicted:
    """Return the predictions, with a bar and the time left on a terminal."""
    from cli.predictions import progress
    from tasks.prediction import batch
    from tasks.prediction import patients as patient_table

    table = None if patients is None else patient_table.read(patients)
    known = patient_table.find(given, table)
    with progress(given, console) as (on_frames, on_done):
        found = batch.predict(
            predictor,
            given,
            options,
            patients=known,
            illustrator=illustrator,
            on_frames=on_frames,
            on_done=on_done,
        )
    if found.together:
        console.print(
            f"Features are normalised by the mean of these {found.together} recordings, which count as one device."
        )
    return found


def _write(
    predictions: Sequence[Prediction],
    *,
    out: Sequence[Path],
    summary: Path | None,
    labels: Path | None,
    piped: Piped,
    console: Console,
) -> None:
    """Print the predictions, and write them to files."""
    if not predictions:
        return
    from cli.predictions import show
    from tasks.prediction import columns, outputs, results
    from tasks.runtime.words import counted

    rows = [row for prediction in predictions for row in prediction.rows()]
    names = columns.columns(predictions[0].model.classes)
    if piped == "table":
        show(predictions, console)
    elif piped == "labels":
        sys.stdout.write("".join(map(outputs.labels, predictions)))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(outputs.encoded(rows, names, piped))
        sys.stdout.buffer.flush()
    for path in out:
        outputs.write(path, rows, names)
        console.print(f"Written: {path} ({counted(len(rows), 'row')})", soft_wrap=True, markup=False)
    if summary is not None:
        found = list(results.summary_rows(predictions))
        outputs.write(summary, found, list(found[0]))
        console.print(f"Written: {summary} ({counted(len(found), 'row')})", soft_wrap=True, markup=False)
    if labels is not None:
        written = outputs.write_labels(labels, predictions)
        console.print(f"Written: {counted(len(written), 'label track')} in {labels}", soft_wrap=True, markup=False)


def _log(log: Path, found: Predicted, model: ModelIdentity, *, names: bool, device: str | None) -> None:
    """Add an entry for each recording to the log of use, also for those that cannot be read."""
    from tasks.prediction import use_entries, use_log
    from tasks.runtime.files import sha256

    entries = [
        use_entries.of_prediction(
            prediction, file_sha256=sha256(path), file_name=path.name if names else None, device=device
        )
        for path, prediction in found.by_file.items()
    ]
    for path in found.failures:
        with suppress(OSError):  # a file without a readable byte has no hash, by which entries are counted
            digest, name = sha256(path), path.name if names else None
            entries.append(use_entries.of_failure(model, file_sha256=digest, file_name=name, device=device))
    use_log.append(log, entries)


def _raise_failures(found: Predicted, count: int, piped_in: Path | None) -> None:
    """Raise an error that lists the recordings without a prediction, if there are any.

    Args:
        found: Predictions.
        count: Number of recordings.
        piped_in: Temporary file of standard input, which is named `-`.

    Raises:
        BreathlineError: There are such recordings.
    """
    from tasks.prediction.recordings import STANDARD_INPUT
    from tasks.runtime.error_output import one_line
    from tasks.runtime.words import counted

    if found.failures:
        reasons = "\n".join(f"{wav}: {one_line(error)}" for wav, error in found.failures.items())
        if piped_in is not None:
            reasons = reasons.replace(str(piped_in), STANDARD_INPUT)
        hint = "replace or leave out these files"
        hint = f"{hint}; the other predictions are above" if found.by_file else "check these files"
        of = f"{len(found.failures)} of {counted(count, 'recording')} {'has' if count == 1 else 'have'} no prediction"
        raise BreathlineError(f"{of}:\n{reasons}", hint=hint)
