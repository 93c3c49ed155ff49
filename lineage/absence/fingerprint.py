"""Fingerprint of a patient: hashes of files, of rows, and of the weights that learned from the patient.

It is taken from a run that still has the patient. Names alone would miss samples under another name.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from lineage.diff.runs import RevisionRun, Run
from lineage.files import by_path
from lineage.git import ask_git
from models import file_names
from models.file_reading import open_table, read_array
from tasks import artifacts
from tasks.runtime.artifact_reading import as_artifact_error, read_table

AUDIO, FBANK = artifacts.WAVEFORMS.as_posix(), artifacts.FEATURE_CACHES.as_posix()
FILES = {"recording_sha256": "{}.wav", "annotation_sha256": "the annotation of {}"}  # names of the files by column
MAX_COMMITS = 30  # commits of dvc.lock that are searched for a run with the patient
ROWS = 64


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """Hashes of a patient's data in one run."""

    taken_of: str  # name of the run
    files: Mapping[str, str]  # SHA-256 of wav files and annotations, with their names
    # SHA-256 of waveforms and features, with the cycle's name, except those that other patients share
    rows: Mapping[str, str]
    # content hash, with path, of weights that learned from the patient or whose epoch the patient chose
    learned: Mapping[str, str]
    unread: tuple[str, ...]  # artifacts of the run that are no longer readable, so that their rows are unknown


def take(run: Run, patient: str) -> Fingerprint | None:
    """Return a patient's fingerprint, or None if the run's tables are missing or do not have the patient."""
    recordings, cycles = (run.table(path.as_posix()) for path in (artifacts.RECORDINGS, artifacts.CYCLES))
    if recordings is None or cycles is None:
        return None
    own, others = [], set()
    for row in recordings.to_pylist():
        if str(row["patient_id"]) == patient:
            own.append(row)
        else:
            others |= {row[column] for column in FILES}
    if not own:
        return None
    names = {row["cycle_id"] for row in cycles.to_pylist() if str(row["patient_id"]) == patient}
    files = {row[key]: name.format(row["recording_id"]) for row in own for key, name in FILES.items() if row[key]}
    rows: dict[str, str] = {}
    shared: set[str] = set()
    for cycle, digest in _rows(run):
        if cycle in names:
            rows[digest] = cycle
        else:
            shared.add(digest)
    return Fingerprint(
        taken_of=run.name,
        files={digest: name for digest, name in files.items() if digest not in others},
        rows={digest: cycle for digest, cycle in rows.items() if digest not in shared},
        learned=dict(_learned(run, names)),
        unread=tuple(_unread(run)),
    )


def take_from_history(root: Path, patient: str) -> Fingerprint | None:
    """Return the fingerprint from the last commit whose run has the patient and is in DVC's cache; None without one."""
    listed = ask_git(root, "log", f"--max-count={MAX_COMMITS}", "--format=%H", "--", "dvc.lock") or ""
    seen: set[Path] = set()
    for commit in listed.split():
        run = RevisionRun(commit[:12], root, commit)
        table = run.path(artifacts.RECORDINGS.as_posix())
        if table is not None and table not in seen:
            seen.add(table)
            if (found := take(run, patient)) is not None:
                return found
    return None


def row_hashes(rows: pa.Array) -> Iterator[str]:
    """Yield the SHA-256 of the numbers in each row of a column of lists, or of nested lists."""
    for row in rows:
        values = pa.array([], pa.float32()) if row.values is None else row.values
        while is_list(values.type):
            values = values.flatten()
        yield numbers_hash(values.to_numpy(zero_copy_only=False))


def numbers_hash(numbers: np.ndarray) -> str:
    """Return the SHA-256 of an array's values, such as a row of features, regardless of the shape."""
    return hashlib.sha256(np.ascontiguousarray(numbers).reshape(-1).view(np.uint8).data).hexdigest()


def holds_floats(kind: pa.DataType) -> bool:
    """Return whether a column holds lists, or nested lists, of floats."""
    inner = kind
    while is_list(inner):
        inner = inner.value_type
    return is_list(kind) and bool(pa.types.is_floating(inner))


def is_list(kind: pa.DataType) -> bool:
    """Return whether a type is a list of fixed or variable length."""
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _rows(run: Run) -> Iterator[tuple[str, str]]:
    """Yield cycle and hash of each row of waveforms and features."""
    for name in run.names(AUDIO):
        path = run.path(name)
        if path is not None and name.endswith(".parquet"):
            with as_artifact_error(), open_table(path) as file:
                for batch in file.iter_batches(batch_size=ROWS, columns=["cycle_id", "samples"]):
                    yield from zip(batch["cycle_id"].to_pylist(), row_hashes(batch["samples"]), strict=True)
    for name in run.names(FBANK):
        path, index = run.path(name), run.path(str(Path(name).with_name(file_names.INDEX)))
        if path is not None and index is not None and name.endswith(file_names.FEATURES):
            with as_artifact_error():
                features = read_array(path, np.float16, dimensions=3)
            for row in read_table(index).to_pylist():
                yield row["cycle_id"], numbers_hash(features[row["row"]])


def _unread(run: Run) -> Iterator[str]:
    """Yield the waveforms and features that the run's records name and that are missing."""
    if not run.records:
        yield str(artifacts.RECORDS)
    for record in run.records.values():
        for name in by_path(record["outputs"]):
            if name.startswith((f"{AUDIO}/", f"{FBANK}/")) and run.path(name) is None:
                yield name


def _learned(run: Run, names: set[str]) -> Iterator[tuple[str, str]]:
    """Yield content hash and path of the weights that learned from some cycles, or whose epoch the cycles chose."""
    for stage, record in run.records.items():
        if not stage.startswith(("train_teacher@", "train_student@")):
            continue
        subsets = record["decisions"]["subsets"]
        if not names.isdisjoint([*subsets["train"], *subsets["val"]]):
            for path, file in by_path(record["outputs"]).items():
                if path.endswith(".safetensors"):
                    yield file["content"], path
