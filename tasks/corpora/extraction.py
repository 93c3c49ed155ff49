"""Extraction of one recording, and the tables of recordings and cycles."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.audio import quality, reading, waveforms
from tasks.audio.cycle_bounds import bounds
from tasks.corpora import drawn_folds
from tasks.corpora.base import Corpus
from tasks.corpora.contents import Metadata
from tasks.runtime import arrow_columns
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

MAX_CYCLES = 1000  # a cycle's id has three digits


@dataclass(frozen=True, kw_only=True)
class Extracted:
    """Result of extracting one recording.

    Attributes:
        facts: Row of the table of recordings, as far as audio and annotation tell.
        cycles: Rows of the table of cycles, as far as audio and annotation tell.
        audio: Waveform (samples,) float32 of each cycle, by rate in Hz.
        notes: Properties of the file that its user should know.
    """

    facts: dict[str, Any]
    cycles: list[dict[str, Any]]
    audio: dict[int, list[npt.NDArray[np.float32]]]
    notes: tuple[str, ...]


def extract(path: Path, corpus: Corpus, rates: Sequence[int], unfaded: Collection[int] = ()) -> Extracted:
    """Return the facts, cycles and waveforms of a recording.

    Args:
        path: The audio file, named as the recording, with its annotation beside it.
        corpus: The corpus.
        rates: Sample rates in Hz of the wanted waveforms.
        unfaded: Those of the rates at which the recording's ends are not faded.

    Raises:
        BreathlineError: The audio or the annotation cannot be read, or there is too little memory.
    """
    with reading.enough_memory(path):
        return _extract(path, corpus, rates, unfaded)


def _extract(path: Path, corpus: Corpus, rates: Sequence[int], unfaded: Collection[int]) -> Extracted:
    annotation = corpus.annotation(path)
    stored = reading.read(path)
    samples = stored.normalised()
    frames, channels = samples.shape
    annotated = corpus.read_cycles(annotation, frames / stored.rate)
    if len(annotated) > MAX_CYCLES:
        raise BreathlineError(
            f"The annotation has {len(annotated)} cycles; {MAX_CYCLES} are the most.",
            where=annotation,
            hint="divide the recording",
        )
    cycles = [
        {
            "cycle_id": f"{path.stem}_{index:03}",
            "recording_id": path.stem,
            "cycle_index": index,
            "start_s": cycle.start_s,
            "end_s": cycle.end_s,
            "duration_s": cycle.end_s - cycle.start_s,
            "audio_sha256": _content(stored, bounds(cycle.start_s, cycle.end_s, stored.rate, frames)),
            **cycle.own,
        }
        for index, cycle in enumerate(annotated)
    ]
    facts = {
        "recording_id": path.stem,
        "sample_rate": stored.rate,
        "subtype": stored.subtype,
        "bit_depth": stored.bit_depth,
        "channels": channels,
        "frames": frames,
        "duration_s": frames / stored.rate,
        "cycles": len(cycles),
        "recording_sha256": sha256(path),
        "annotation_sha256": None if corpus.annotation_suffix is None else sha256(annotation),
        **corpus.read_recording(annotation),
        **asdict(quality.measure(samples, stored.rate)),
    }
    times = [(cycle.start_s, cycle.end_s) for cycle in annotated]
    audio = {rate: waveforms.cut(samples, stored.rate, rate, times, faded=rate not in unfaded) for rate in rates}
    return Extracted(facts=facts, cycles=cycles, audio=audio, notes=stored.notes)


def with_drawn_folds(
    corpus: Corpus, facts: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], metadata: Metadata
) -> Metadata:
    """Return metadata with a fold for each recording of the side `train`, drawn by patient and stratified by sound.

    Folds that the metadata give are kept.

    Args:
        corpus: Adapter of the corpus, with `fold_seed` and `sound_column`.
        facts: Facts of each recording, as for `recordings`.
        rows: Own columns of each cycle, as for `cycles`.
        metadata: Metadata of all recordings.
    """
    column = corpus.sound_column
    given = any(row.get("fold") is not None for row in metadata.recordings.values())
    if corpus.fold_seed is None or column is None or given:
        return metadata
    train = {name: row["patient_id"] for name, row in metadata.recordings.items() if row["split"] == "train"}
    of_recording = {name: row.get(column) for name, row in metadata.recordings.items()}
    sounds = [(row["recording_id"], row.get(column, of_recording[row["recording_id"]]) or "") for row in rows]
    sounds += [(row["recording_id"], "") for row in facts if not row["cycles"]]  # patients without a cycle count too
    drawn = [(train[name], sound) for name, sound in sounds if name in train]
    folds = drawn_folds.draw([patient for patient, _ in drawn], [sound for _, sound in drawn], seed=corpus.fold_seed)
    known = {
        name: {**row, "fold": folds[row["patient_id"]]} if name in train else row
        for name, row in metadata.recordings.items()
    }
    return replace(metadata, recordings=known)


def recordings(corpus: Corpus, facts: Sequence[Mapping[str, Any]], metadata: Metadata, *, name: str) -> pa.Table:
    """Return the table of recordings, sorted by `recording_id`; unknown values are null.

    Args:
        corpus: Adapter of the corpus.
        facts: Facts of each recording that were read from its audio and annotation.
        metadata: Metadata of all recordings and patients.
        name: Name of the corpus.
    """
    rows = []
    for row in facts:
        known = metadata.recordings[row["recording_id"]]
        patient = metadata.patients.get(known["patient_id"], {})
        rows.append({"corpus": name, **patient, **known, **row})
    return _table(rows, corpus.recordings_schema, "recording_id")


def cycles(corpus: Corpus, rows: Sequence[Mapping[str, Any]], recordings: pa.Table) -> pa.Table:
    """Return the table of cycles, sorted by `cycle_id`, with the class of each label set.

    Own columns that recordings and cycles share are taken from the recording.

    Args:
        corpus: Adapter of the corpus.
        rows: Own columns of each cycle, with `recording_id` and `cycle_id`.
        recordings: Table of recordings.
    """
    own = corpus.shared_columns
    shared = ("corpus", "patient_id", "device", "split", "fold", *own)
    known = {row["recording_id"]: row for row in recordings.to_pylist()}
    complete = []
    for row in rows:
        recording = known[row["recording_id"]]
        labelled = {**row, **{name: recording[name] for name in ("diagnosis", *own)}}
        labels = {one.column: corpus.label(name, labelled) for name, one in corpus.label_sets.items()}
        complete.append({**row, **{name: recording[name] for name in shared}, **labels})
    return _table(complete, corpus.cycles_schema, "cycle_id")


def _table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema, key: str) -> pa.Table:
    """Return rows as a table with the columns of a schema, sorted by one of them."""
    return arrow_columns.table(sorted(rows, key=itemgetter(key)), schema)


def _content(stored: reading.Audio, place: slice) -> str | None:
    """Return the SHA-256 of a cycle's samples as stored (little-endian, channels interleaved), or None without any."""
    samples = stored.samples[place]
    little_endian = samples.astype(samples.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(np.ascontiguousarray(little_endian).data).hexdigest() if len(samples) else None
