"""What a patient's data can be known by: hashes of files, of rows, and of the weights that learned from them.

It is taken of a run in which the patient still is; names alone would not find samples under another name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lineage.diff.runs import Revision, Side
from lineage.files import flat
from lineage.git import ask_git_bytes
from models import file_names
from tasks import artifacts
from tasks.artifacts import RECORDS
from tasks.subsets.splits import assign

RECORDINGS, CYCLES, AUDIO, FBANK = (
    path.as_posix() for path in (artifacts.RECORDINGS, artifacts.CYCLES, artifacts.WAVEFORMS, artifacts.FEATURE_CACHES)
)
REVISIONS = 30  # how far back it is looked for
ROWS = 64
FILES = {"wav": "recording_sha256", "txt": "annotation_sha256"}


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """What was there of a patient.

    Attributes:
        taken_of: The run.
        files: SHA-256 of wav files and annotations, with their names.
        rows: SHA-256 of waveforms and features of a cycle, with the cycle's name; what others have too is left out.
        learned: Content hash of weights that learned from the patient, or were chosen by them, with their path.
        unread: Artifacts of that run which cannot be read any more, so that their rows are not known.
    """

    taken_of: str
    files: Mapping[str, str]
    rows: Mapping[str, str]
    learned: Mapping[str, str]
    unread: tuple[str, ...]


def take(side: Side, patient: str) -> Fingerprint | None:
    """Return a patient's fingerprint, or none where the run's tables are not there or know no such patient."""
    recordings, cycles = (_of(side, path) for path in (RECORDINGS, CYCLES))
    if recordings is None or cycles is None:
        return None
    own = recordings.filter(pc.equal(recordings["patient_id"], patient)).to_pylist()
    names = set(cycles.filter(pc.equal(cycles["patient_id"], patient))["cycle_id"].to_pylist())
    if not own:
        return None
    files = {row[column]: f"{row['recording_id']}.{kind}" for row in own for kind, column in FILES.items()}
    others = {row[column] for row in recordings.to_pylist() for column in FILES.values() if row not in own}
    rows: dict[str, str] = {}
    shared: set[str] = set()
    for cycle, digest in _rows(side):
        if cycle in names:
            rows[digest] = cycle
        else:
            shared.add(digest)
    return Fingerprint(
        taken_of=side.name,
        files={digest: name for digest, name in files.items() if digest not in others},
        rows={digest: cycle for digest, cycle in rows.items() if digest not in shared},
        learned=dict(_learned(side, cycles, names)),
        unread=tuple(_unread(side)),
    )


def search_history(root: Path, patient: str) -> Fingerprint | None:
    """Return the fingerprint of the last commit whose run has the patient, as far as DVC's cache still holds it."""
    listed = ask_git_bytes(root, "log", f"--max-count={REVISIONS}", "--format=%H", "--", "dvc.lock") or b""
    seen: set[Path] = set()
    for commit in listed.decode().split():
        revision = Revision(commit[:12], root, commit)
        table = revision.path(RECORDINGS)
        if table is not None and table not in seen:
            seen.add(table)
            if (found := take(revision, patient)) is not None:
                return found
    return None


def hashes(rows: pa.Array) -> Iterator[str]:
    """Yield the SHA-256 of the numbers in each row of a column of lists, or of lists of lists."""
    for row in rows:
        values = pa.array([], pa.float32()) if row.values is None else row.values
        while is_list(values.type):
            values = values.flatten()
        yield numbers_hash(values.to_numpy(zero_copy_only=False))


def numbers_hash(numbers: np.ndarray) -> str:
    """Return the SHA-256 of the values of an array, such as a row of features, whatever its shape."""
    return hashlib.sha256(np.ascontiguousarray(numbers).reshape(-1).view(np.uint8).data).hexdigest()


def holds_floats(kind: pa.DataType) -> bool:
    """Return whether a column is one of lists of floats, however deep."""
    inner = kind
    while is_list(inner):
        inner = inner.value_type
    return is_list(kind) and bool(pa.types.is_floating(inner))


def is_list(kind: pa.DataType) -> bool:
    """Return whether a type is one of lists, of whichever length."""
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _rows(side: Side) -> Iterator[tuple[str, str]]:
    """Yield cycle and hash of each row of waveforms and features."""
    for name in side.names(AUDIO):
        path = side.path(name)
        if path is not None and name.endswith(".parquet"):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=ROWS, columns=["cycle_id", "samples"]):
                    yield from zip(batch["cycle_id"].to_pylist(), hashes(batch["samples"]), strict=True)
    for name in side.names(FBANK):
        path, index = side.path(name), side.path(str(Path(name).with_name(file_names.INDEX)))
        if path is not None and index is not None and name.endswith(file_names.FEATURES):
            features = np.load(path, mmap_mode="r", allow_pickle=False)
            for row in _read(index).to_pylist():
                yield row["cycle_id"], numbers_hash(features[row["row"]])


def _unread(side: Side) -> Iterator[str]:
    """Yield the waveforms and features that the run's records name and that are not there."""
    if not side.records:
        yield str(RECORDS)
    for record in side.records.values():
        for name in flat(record["outputs"]):
            if name.startswith((f"{AUDIO}/", f"{FBANK}/")) and side.path(name) is None:
                yield name


def _learned(side: Side, cycles: pa.Table, names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield content hash and path of the weights that learned from some cycles, or whose epoch these chose."""
    for stage, record in side.records.items():
        if not stage.startswith(("train_teacher@", "train_student@")):
            continue
        used = set(_used(record, cycles)).intersection(names)
        held_out = (ids for reason, ids in record["account"]["dropped"].items() if reason.startswith("fold "))
        if used.difference(*held_out):
            for path, file in flat(record["outputs"]).items():
                if path.endswith(".safetensors"):
                    yield file["content"], path


def _used(record: Mapping[str, Any], cycles: pa.Table) -> list[str]:
    labels, split, validation = (record["params"][key] for key in ("labels", "split", "validation"))
    subsets = assign(cycles, labels=labels, split=str(split), fraction=validation["fraction"], seed=validation["seed"])
    return [cycle for cycle, subset in subsets.items() if subset in ("train", "val")]


def _of(side: Side, path: str) -> pa.Table | None:
    file = side.path(path)
    return None if file is None else _read(file)


def _read(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:
        return file.read()
