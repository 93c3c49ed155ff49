"""Stage `extract`: raw recordings into tables of recordings and cycles, and the cycles' waveforms."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from rich.progress import track

from tasks import artifacts
from tasks.audio import front_end_rates, waveform_files
from tasks.corpora.demo import facts as demo
from tasks.corpora.icbhi import facts as icbhi
from tasks.corpora.icbhi import recording, tables
from tasks.corpora.icbhi.labels import CLASSES
from tasks.runtime import corpus_facts, parallel, params
from tasks.runtime.corpus_facts import CorpusFacts, Identity
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import write_json, write_table
from tasks.runtime.stage import console, stage

MAX_WORKERS = 8  # one 24-bit recording of 90 s takes some 100 MB on its way
SHARD = 8  # recordings that make a task of Dask

log = logging.getLogger("extract")


def recordings(audio: Path) -> list[Path]:
    """Return the wav files of `data/raw/audio`, sorted by name, each with its annotation beside it.

    Raises:
        BreathlineError: A file lacks its counterpart, is neither audio nor annotation, or there are none.
    """
    wavs = {path.stem for path in audio.glob("*.wav")}
    txts = {path.stem for path in audio.glob("*.txt")}
    others = {path.name for path in audio.glob("*") if path.suffix not in (".wav", ".txt")}
    for names, what in (
        (sorted(wavs - txts), "recordings have no annotation"),
        (sorted(txts - wavs), "annotations have no recording"),
        (sorted(others), "files are neither audio nor annotation"),
    ):
        if names:
            listed = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
            raise BreathlineError(f"{len(names)} {what}: {listed}.", where=audio, hint="run `download` again")
    if not wavs:
        raise BreathlineError("There are no recordings.", where=audio, hint="run `download` first")
    return [audio / f"{name}.wav" for name in sorted(wavs)]


def extract(
    raw: Path, out: Path, *, rates: Sequence[int], workers: int, unfaded: Collection[int] = ()
) -> dict[str, Any]:
    """Write `recordings.parquet`, `cycles.parquet`, `audio/<rate>.parquet`, `summary.json` and the facts of the corpus.

    Threads do by default (`tasks.runtime.parallel`): reading, hashing and filtering leave Python's lock, and no
    waveform is copied between processes. At most two recordings a worker are on their way.

    Args:
        raw: The folder that `download` made.
        out: Where the files go; each of them appears whole, when all recordings have been read.
        rates: The rates in Hz at which the cycles' waveforms are wanted.
        workers: How many recordings are read at a time.
        unfaded: Those of the rates at which the recordings' ends stay as they are.

    Raises:
        BreathlineError: A file is missing, broken or contradictory; file and line are named.
    """
    wavs = recordings(raw.absolute() / "audio")  # workers elsewhere have another working directory
    source = _source(raw / artifacts.SOURCE.name)
    known = tables.read_metadata(raw / "metadata", [wav.stem for wav in wavs])
    facts: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        files = {rate: stack.enter_context(waveform_files.writing(out / "audio" / f"{rate}.parquet")) for rate in rates}
        work = partial(recording.extract, rates=rates, unfaded=unfaded)
        computed = parallel.in_order(work, wavs, workers=workers, ahead=workers, shard=SHARD)
        results = stack.enter_context(closing(computed))
        for result in track(results, "Extracting cycles", total=len(wavs), console=console):
            facts.append(result.facts)
            rows.extend(result.cycles)
            for rate, waveforms in result.audio.items():
                for row, waveform in zip(result.cycles, waveforms, strict=True):
                    files[rate].write(row["cycle_id"], waveform)
        if not rows:
            raise BreathlineError("No annotation holds a cycle.", where=raw / "audio", hint="run `download` again")
        recording_table = tables.recordings(demo.NAME if source["corpus"] == demo.NAME else icbhi.NAME, facts, known)
        cycle_table = tables.cycles(rows, recording_table)
        write_table(out / artifacts.RECORDINGS.name, recording_table)
        write_table(out / artifacts.CYCLES.name, cycle_table)
    for path in (out / "audio").iterdir():
        if path.name not in {f"{rate}.parquet" for rate in rates}:
            path.unlink()  # of a rate that is wanted no more, or of a run that was killed
    summary = {
        "corpus": source["corpus"],
        "recordings": recording_table.num_rows,
        "cycles": cycle_table.num_rows,
        "classes": classes(cycle_table),
        "missing": known.match.missing,
        "corrections": [asdict(correction) for correction in known.match.corrections],
        "rates": list(rates),
    }
    write_json(out / artifacts.SUMMARY.name, summary)
    corpus_facts.write(out, _facts(source["corpus"], recording_table.num_rows))
    report(recording_table, summary)
    return summary


def _source(path: Path) -> dict[str, Any]:
    """Return what `download` recorded about where the recordings come from."""
    if not path.exists():
        raise BreathlineError("What these recordings are is not recorded.", where=path, hint="run `download` again")
    source: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return source


def _facts(name: str, recordings: int) -> CorpusFacts:
    """Return the facts of a corpus by the name that `download` gave it."""
    if name == demo.NAME:
        identity = Identity(
            name=name,
            statement="The generated demo corpus",
            evidence="`download` generated the recordings.",
            verified=True,
            complete=True,
            recordings=recordings,
        )
        return demo.facts(identity)
    complete = name == icbhi.COMPLETE
    identity = Identity(
        name=name,
        statement=icbhi.TITLE if complete else f"A part of {icbhi.TITLE} ({recordings} of 920 recordings)",
        evidence="The names and the number of the recordings; no hash was compared.",
        verified=True,
        complete=complete,
        recordings=recordings,
        known_recordings=920,
    )
    return icbhi.facts(identity)


def classes(cycles: pa.Table) -> dict[str, dict[str, dict[str, int]]]:
    """Return how many cycles there are by side of the official split, set of labels and class."""
    frame = pl.DataFrame(cycles)
    return {
        side: {
            labels: {
                name: frame.filter((pl.col("split") == side) & (pl.col(labels) == index)).height
                for index, name in enumerate(names)
            }
            for labels, names in CLASSES.items()
        }
        for side in ("train", "test")
    }


def report(recordings: pa.Table, summary: Mapping[str, Any]) -> None:
    """Log what was found, what was corrected and what is not known."""
    log.info(f"{summary['recordings']} recordings, {summary['cycles']} cycles at {summary['rates']} Hz")
    for correction in summary["corrections"]:
        log.info(f"the split file's {correction['name_in_split']} is {correction['recording_id']}")
    if summary["missing"]:
        log.warning(f"{len(summary['missing'])} recordings of the split file have no audio")
    patients = pl.DataFrame(recordings).unique("patient_id", maintain_order=True)
    for column in ("diagnosis", "age", "sex", "fold"):
        unknown = patients.filter(pl.col(column).is_null())["patient_id"].to_list()
        if unknown:
            log.warning(f"{column} is not known of {len(unknown)} patients: {', '.join(map(str, unknown))}")
    empty = pl.DataFrame(recordings).filter(pl.col("cycles") == 0)["recording_id"].to_list()
    if empty:
        log.warning(f"{len(empty)} recordings have no cycles: {', '.join(empty)}")


def main() -> None:
    """Run the stage on the project in the working directory."""
    with stage("extract"):
        wanted = params.section(params.read(), "frontends")
        rates, unfaded = front_end_rates.rates(wanted), front_end_rates.unfaded(wanted)
        extract(
            artifacts.RAW,
            artifacts.EXTRACTED,
            rates=rates,
            workers=min(parallel.usable_cores(), MAX_WORKERS),
            unfaded=unfaded,
        )


if __name__ == "__main__":
    main()
