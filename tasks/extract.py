"""Stage `extract`: tables of recordings and cycles, and the cycles' waveforms."""

import logging
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks import artifacts
from tasks.artifacts import CorpusFolders, Role
from tasks.audio import front_end_rates, waveform_files
from tasks.corpora import extraction, registry, source_files
from tasks.corpora.base import Corpus
from tasks.runtime import allocator, corpus_facts, hardware, parallel, params, progress_bars
from tasks.runtime.artifact_reading import parse, read_json
from tasks.runtime.corpus_facts import Identity
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import write_json, write_table
from tasks.runtime.params import natural
from tasks.runtime.stage import stage
from tasks.runtime.words import listed

MAX_WORKERS = 8  # one 24-bit recording of 90 s takes some 100 MB on its way
SHARD = 8  # recordings in one Dask task

log = logging.getLogger("extract")


def recordings(audio: Path, corpus: Corpus) -> list[Path]:
    """Return the audio files of a folder, sorted by name, each with its annotation beside it.

    Raises:
        BreathlineError: A file lacks its counterpart, is neither audio nor annotation, or there are no recordings.
    """
    wavs = list(source_files.recordings_in(audio, corpus).values())
    others = {path.name for path in audio.glob("*")} - {wav.name for wav in wavs}
    annotations = {wav.stem: corpus.annotation(wav) for wav in wavs}
    others -= {annotation.name for annotation in annotations.values()}
    alone = {name: annotated for name in others if (annotated := corpus.annotated(name)) is not None}
    for names, what in (
        ([name for name, path in annotations.items() if not path.exists()], "recordings have no annotation"),
        (sorted(alone.values()), "annotations have no recording"),
        (sorted(others - alone.keys()), "files are neither audio nor annotation"),
    ):
        if names:
            raise BreathlineError(f"{len(names)} {what}: {listed(names)}.", where=audio, hint="run `download` again")
    if not wavs:
        raise BreathlineError("There are no recordings.", where=audio, hint="run `download` first")
    return wavs


def extract(
    raw: Path, out: Path, waveforms: Path, *, rates: Sequence[int], workers: int, unfaded: Collection[int] = ()
) -> dict[str, Any]:
    """Write the tables, the waveforms, the summary and the facts of the corpus, and return the summary.

    Recordings are read in threads by default (`tasks.runtime.parallel`): reading, hashing and filtering release
    Python's lock, and no waveform is copied between processes. At most three recordings a worker are in memory.

    Args:
        raw: The folder that `download` made, named as the corpus.
        out: The folder of the tables; each file is written as a whole, after all recordings have been read.
        waveforms: The folder of the cycles' waveforms.
        rates: Sample rates in Hz of the wanted waveforms.
        workers: Number of recordings that are read at a time.
        unfaded: Those of the rates at which the recordings' ends are not faded.

    Raises:
        BreathlineError: A file is missing, broken or contradictory; file and line are named.
    """
    source = read_json(raw / artifacts.SOURCE, {"format": str, "identity": dict})
    identity = parse(Identity, source["identity"], raw / artifacts.SOURCE)
    corpus = registry.get(source["format"]).of(raw / artifacts.METADATA)
    wavs = recordings(raw.absolute() / artifacts.AUDIO, corpus)  # remote workers have another working directory
    metadata = corpus.read_metadata(raw / artifacts.METADATA, [wav.stem for wav in wavs])
    facts: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        files = {rate: stack.enter_context(waveform_files.writing(waveforms / f"{rate}.parquet")) for rate in rates}
        work = partial(extraction.extract, corpus=corpus, rates=rates, unfaded=unfaded)
        computed = parallel.in_order(work, wavs, workers=workers, ahead=2 * workers, shard=SHARD)
        results = stack.enter_context(closing(computed))
        for result in progress_bars.track(results, "extracting cycles", len(wavs)):
            facts.append(result.facts)
            for note in result.notes:
                log.warning(f"{result.facts['recording_id']}: {note}")
            rows.extend(result.cycles)
            for rate, cut in result.audio.items():
                for row, waveform in zip(result.cycles, cut, strict=True):
                    files[rate].write(row["cycle_id"], waveform)
        if not rows:
            raise BreathlineError(
                "No annotation has a cycle.", where=raw / artifacts.AUDIO, hint="run `download` again"
            )
        metadata = extraction.with_drawn_folds(corpus, facts, rows, metadata)
        recording_table = extraction.recordings(corpus, facts, metadata, name=raw.name)
        cycle_table = extraction.cycles(corpus, rows, recording_table)
        write_table(out / artifacts.RECORDINGS.name, recording_table)
        write_table(out / artifacts.CYCLES.name, cycle_table)
    for path in waveforms.iterdir():
        if path.name not in {f"{rate}.parquet" for rate in rates}:
            path.unlink()  # of a rate that is no longer wanted, or of a run that was killed
    summary = {
        "corpus": identity.name,
        "recordings": recording_table.num_rows,
        "cycles": cycle_table.num_rows,
        "classes": classes(cycle_table, corpus),
        "missing": list(metadata.missing),
        "corrections": [asdict(correction) for correction in metadata.corrections],
        "rates": list(rates),
    }
    if corpus.sound_column is not None:
        summary["unlabelled"] = unlabelled(cycle_table, corpus, corpus.sound_column)
    write_json(out / artifacts.SUMMARY.name, summary)
    corpus_facts.write(out, replace(corpus.facts(identity), name=raw.name, format=corpus.name))
    report(recording_table, summary, drawn_folds=corpus.fold_seed is not None)
    return summary


def classes(cycles: pa.Table, corpus: Corpus) -> dict[str, dict[str, dict[str, int]]]:
    """Return the number of cycles by side, label set and class; named tests without a cycle are left out."""
    splits = cycles["split"].to_pylist()
    counts = {
        name: Counter(zip(splits, cycles[labels.column].to_pylist(), strict=True))
        for name, labels in corpus.label_sets.items()
    }
    return {
        side: {
            name: {label: counts[name][side, index] for index, label in enumerate(labels.classes)}
            for name, labels in corpus.label_sets.items()
        }
        for side in corpus.sides
        if side in {"train", "test", *splits}
    }


def unlabelled(cycles: pa.Table, corpus: Corpus, sound: str) -> dict[str, dict[str, int]]:
    """Return the number of cycles without a label by label set and sound; label sets with all labels are left out.

    Args:
        cycles: Table of cycles.
        corpus: Adapter of the corpus.
        sound: Column that names the sound of a cycle.
    """
    sounds = ["unknown" if one is None else one for one in cycles[sound].to_pylist()]
    found = {}
    for name, labels in corpus.label_sets.items():
        classes = cycles[labels.column].to_pylist()
        counts = Counter(one for one, index in zip(sounds, classes, strict=True) if index is None)
        if counts:
            found[name] = dict(sorted(counts.items()))
    return found


def report(recordings: pa.Table, summary: Mapping[str, Any], *, drawn_folds: bool) -> None:
    """Log counts, corrections and unknown values.

    Args:
        recordings: Table of recordings.
        summary: Summary of the stage.
        drawn_folds: Whether the folds were drawn, so that only patients of tests have none.
    """
    log.info(f"{summary['recordings']} recordings, {summary['cycles']} cycles at {summary['rates']} Hz")
    for correction in summary["corrections"]:
        log.info(f"the split file's {correction['name_in_split']} is {correction['recording_id']}")
    if summary["missing"]:
        log.warning(f"{len(summary['missing'])} recordings of the metadata have no audio")
    rows = recordings.to_pylist()
    patients = {row["patient_id"]: row for row in reversed(rows)}  # the first recording of each
    for column in ("diagnosis", "age", "sex", *(() if drawn_folds else ("fold",))):
        unknown = [patient for patient, row in patients.items() if row[column] is None]
        if len(unknown) == len(patients):
            log.info(f"{column} is unknown for every patient")
        elif unknown:
            log.warning(f"{column} of {len(unknown)} patients is unknown: {', '.join(sorted(unknown, key=natural))}")
    empty = [row["recording_id"] for row in rows if row["cycles"] == 0]
    if empty:
        log.warning(f"{len(empty)} recordings have no cycles: {', '.join(empty)}")
    for labels, counts in summary.get("unlabelled", {}).items():
        sounds = ", ".join(f"{sound} {count}" for sound, count in counts.items())
        log.warning(f"{labels}: {sum(counts.values())} cycles have no label and are left out ({sounds})")


def main(name: str, role: Role = "training") -> None:
    """Run the stage for one corpus; the name is a key of ``corpora`` or ``external`` in params.yaml."""
    folders = CorpusFolders(role, name)
    with stage(folders.stage("extract")):
        allocator.keep_freed_memory()
        wanted = params.section(params.read(), "frontends")
        extract(
            folders.raw,
            folders.tables,
            folders.waveforms,
            rates=front_end_rates.rates(wanted),
            workers=min(hardware.usable_cores(), MAX_WORKERS),
            unfaded=front_end_rates.unfaded(wanted),
        )


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]
