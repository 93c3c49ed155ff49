"""Command `breathline predict`: class predictions for unlabelled recordings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column

from cli.output import table
from tasks.runtime.error_output import one_line
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    import pyarrow as pa

    from tasks.checks.settings import UnusableLimits
    from tasks.prediction.recordings import Model

SHOWN = 60  # rows printed; `--out` writes all
CAUTION = "For research only: not a medical device, not a diagnosis."


def predict(
    recordings: Annotated[list[Path], typer.Argument(help="recordings, and folders of recordings", show_default=False)],
    *,
    model: Annotated[
        str | None,
        typer.Option(
            help="student@v1.2.0, student#production, student (the newest version), a Git revision, or a folder; "
            "default: the newest version, or without versions the model trained last"
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="seed of the model; default: the lowest")] = None,
    out: Annotated[Path | None, typer.Option(help="output file of all rows: .parquet, .csv or .json")] = None,
) -> None:
    """Predict the class of each respiratory cycle: research only, not a medical device.

    The annotation file with the recording's name gives the cycles: in the format of a corpus, Audacity
    or Raven, or two columns of times. Without one, the recording is cut into windows as long as the
    model's clips. Recordings of 1,000 to 384,000 Hz and any bit depth are read. An unusable recording is
    not judged; the reason is shown.
    """
    console = Console(emoji=False, highlight=False)
    write = _writer(out) if out else None
    from flows import registry
    from lineage import model_files

    source = registry.chosen(Path.cwd(), model)
    with console.status(f"Fetching {source.label} …"):
        folder = registry.fetch(Path.cwd(), source, seed=seed)
        model_files.check(folder)
    with console.status("Starting torch …"):
        from tasks.prediction import recordings as prediction

        wavs = prediction.recordings(recordings)
        label = source.label + (f", seed {folder.name}" if folder.name.isdigit() else "")
        loaded = prediction.load(folder, label)
    tables, failures = _predicted(loaded, wavs, prediction.limits(), console)
    if tables:
        import pyarrow as pa

        found = pa.concat_tables(tables)
        _show(loaded, found, console)
        if write and out:
            write(out, found)
            console.print(f"Written: {out} ({found.num_rows} rows)", soft_wrap=True)
    if failures:
        reasons = "\n".join(f"{wav}: {one_line(error)}" for wav, error in failures.items())
        hint = "replace or leave out these files; the other predictions are above" if tables else "check these files"
        raise BreathlineError(f"{len(failures)} of {len(wavs)} recordings have no prediction:\n{reasons}", hint=hint)


def _predicted(
    model: Model, wavs: Sequence[Path], limits: UnusableLimits, console: Console
) -> tuple[list[pa.Table], dict[Path, BreathlineError]]:
    """Return the predictions of each recording, and the errors of the recordings without predictions."""
    from rich.progress import track

    from tasks.prediction import device_means
    from tasks.prediction.recordings import predict as predict_recording

    tables, failures = [], {}
    quiet = not console.is_terminal or len(wavs) == 1
    offsets = device_means.offsets(model, wavs, limits)
    if offsets:
        console.print(
            f"Features are normalised by the mean of these {len(offsets)} recordings, which count as one device."
        )
    for wav in track(wavs, "Predicting", console=console, transient=True, disable=quiet):
        try:
            tables.append(predict_recording(model, wav, limits, offsets.get(wav)))
        except BreathlineError as error:
            failures[wav] = error
    return tables, failures


def _show(model: Model, found: pa.Table, console: Console) -> None:
    console.print(f"[bold]{escape(model.label)}[/] · {model.labels} · {model.front_end.name}, {model.duration_s:g} s")
    if model.rule.threshold is not None:
        console.print(f"Decision rule of the model: normal if p(normal) ≥ {model.rule.threshold:g}")
    console.print()
    start, end, *classes = (
        Column(name, justify="right", no_wrap=True) for name in ("start s", "end s", *model.classes)
    )
    shown = table(Column("recording", overflow="fold"), start, end, Column("predicted", no_wrap=True), *classes)
    rows = found.slice(0, SHOWN).to_pylist()
    for row in rows:
        probabilities = [_probability(row, name) for name in model.classes]
        times = (f"{row['start_s']:.2f}", f"{row['end_s']:.2f}")
        shown.add_row(escape(row["recording"]), *times, row["predicted"] or "not judged", *probabilities)
    console.print(shown)
    if more := found.num_rows - len(rows):
        console.print(f"… and {more} more; `--out FILE` writes all")
    _show_notes(found, console)
    unjudged = found["predicted"].null_count
    cycles = found.num_rows - found["cycle_id"].null_count
    windows = found.num_rows - cycles - unjudged
    kinds = ((cycles, "cycles"), (windows, "windows"), (unjudged, "recordings that are not judged"))
    counts = [f"{number} {word}" for number, word in kinds if number]
    console.print(f"\n{' and '.join(counts)} of {len(set(found['file'].to_pylist()))} recordings. {CAUTION}")
    if windows:
        console.print(
            "[yellow]Recordings without annotations are cut into windows; the model was trained on whole cycles.[/]"
        )


def _show_notes(found: pa.Table, console: Console) -> None:
    """Print each note once for each recording."""
    notes = dict.fromkeys(
        (row["file"], row["note"]) for row in found.select(["file", "note"]).to_pylist() if row["note"]
    )
    for file, note in list(notes)[:SHOWN]:
        console.print(f"[yellow]{escape(Path(file).name)}:[/] {escape(note)}")
    if len(notes) > SHOWN:
        console.print(f"… and {len(notes) - SHOWN} more notes; `--out FILE` writes all")


def _probability(row: dict[str, Any], name: str) -> str:
    if row[f"p_{name}"] is None:
        return "–"
    value = f"{row[f'p_{name}']:.2f}"
    return f"[bold]{value}[/]" if row["predicted"] == name else value


def _writer(out: Path) -> Callable[[Path, pa.Table], None]:
    """Return the function that writes a table in the format of a file's suffix.

    Raises:
        BreathlineError: The suffix is not supported, or the file cannot be written.
    """
    from pyarrow import csv

    from tasks.runtime import files

    def write_csv(path: Path, table: pa.Table) -> None:
        with files.replacing(path) as temporary:
            csv.write_csv(table, temporary)

    writers: dict[str, Callable[[Path, pa.Table], None]] = {
        ".parquet": files.write_table,
        ".csv": write_csv,
        ".json": lambda path, table: files.write_json(path, table.to_pylist()),
    }
    if out.suffix not in writers:
        *others, last = writers
        listed = f"{', '.join(others)} or {last}"
        raise BreathlineError(
            f"The name of the output has {f'the suffix `{out.suffix}`' if out.suffix else 'no suffix'}.",
            where=out,
            hint=f"name a file that ends in {listed}",
        )
    files.require_writable(out)
    return writers[out.suffix]
