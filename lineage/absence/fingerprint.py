"""Fingerprint of a patient: hashes of files, of rows, and of the weights that learned from the patient.

It is taken from a run that still has the patient. Names alone would miss samples under another name.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pyarrow as pa

from lineage.diff.runs import RevisionRun, Run
from lineage.files import by_path
from lineage.git import ask_git
from models import file_names
from models.file_reading import open_table, read_array
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.runtime.artifact_reading import as_artifact_error, read_table
from tasks.runtime.errors import BreathlineError

FILES = {"recording_sha256": "{}.wav", "annotation_sha256": "the annotation of {}"}  # names of the files by column
Rows = list[dict[str, Any]]
MAX_COMMITS = 30  # commits of dvc.lock that are searched for a run with the patient
ROWS = 64


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """Hashes of a patient's data in one run."""

    taken_of: str  # name of the run
    corpus: CorpusFolders  # corpus of the patient
    files: Mapping[str, str]  # SHA-256 of wav files and annotations, with their names
    # SHA-256 of waveforms and features, with the cycle's name, except those that other patients share
    rows: Mapping[str, str]
    # content hash, with path, of weights that learned from the patient or whose epoch the patient chose
    learned: Mapping[str, str]
    unread: tuple[str, ...]  # artifacts of the run that are no longer readable, so that their rows are unknown


def take(run: Run, patient: str, corpus: str | None = None) -> Fingerprint | None:
    """Return a patient's fingerprint, or None if the run's tables are missing or do not have the patient.

    Args:
        run: The run.
        patient: Id of the patient.
        corpus: Name of the patient's corpus, if it is known.

    Raises:
        BreathlineError: Several corpora have a patient of this number, and no corpus is named.
    """
    found = {one: recordings for one in run.corpora if (recordings := _table(run, one, artifacts.RECORDINGS))}
    having = [one for one, rows in found.items() if any(row["patient_id"] == patient for row in rows)]
    having = [one for one in having if corpus in (None, one.name)]
    if len(having) > 1:
        names = ", ".join(f"patient:{one.name}:{patient}" for one in having)
        what = f"{len(having)} corpora have a patient {patient}."
        raise BreathlineError(what, where=run.name, hint=f"name one of them: {names}")
    if not having or not (cycles := _table(run, having[0], artifacts.CYCLES)):
        return None
    return _take(run, patient, having[0], found, cycles)


def _take(
    run: Run, patient: str, corpus: CorpusFolders, recordings: Mapping[CorpusFolders, Rows], cycles: Rows
) -> Fingerprint:
    """Return the fingerprint of a patient of a corpus, by the tables of recordings and the corpus's cycles."""
    own, others = [], set()
    for one, found in recordings.items():
        for row in found:
            if one == corpus and row["patient_id"] == patient:
                own.append(row)
            else:
                others |= {row[column] for column in FILES}
    names = {row["cycle_id"] for row in cycles if row["patient_id"] == patient}
    files = {row[key]: name.format(row["recording_id"]) for row in own for key, name in FILES.items() if row[key]}
    rows: dict[str, str] = {}
    shared: set[str] = set()
    for one in recordings:
        for cycle, digest in _rows(run, one):
            if one == corpus and cycle in names:
                rows[digest] = cycle
            else:
                shared.add(digest)
    return Fingerprint(
        taken_of=run.name,
        corpus=corpus,
        files={digest: name for digest, name in files.items() if digest not in others},
        rows={digest: cycle for digest, cycle in rows.items() if digest not in shared},
        learned=dict(_learned(run, names)) if corpus.role == "training" else {},
        unread=tuple(_unread(run, corpus)),
    )


def union(begun: Fingerprint, current: Fingerprint) -> Fingerprint:
    """Return the hashes of both; unread artifacts of the current run count only if it has hashes of its own."""
    new = (current.files.keys() - begun.files.keys()) | (current.rows.keys() - begun.rows.keys())
    return replace(
        current,
        files={**begun.files, **current.files},
        rows={**begun.rows, **current.rows},
        learned={**begun.learned, **current.learned},
        unread=current.unread if new else (),
    )


def take_from_history(root: Path, patient: str, corpus: str | None = None) -> Fingerprint | None:
    """Return the fingerprint from the last commit whose run has the patient and is in DVC's cache; None without one."""
    listed = ask_git(root, "log", f"--max-count={MAX_COMMITS}", "--format=%H", "--", "dvc.lock") or ""
    seen: set[tuple[Path, ...]] = set()
    for commit in listed.split():
        run = RevisionRun(commit[:12], root, commit)
        paths = (run.path((one.tables / artifacts.RECORDINGS.name).as_posix()) for one in run.corpora)
        tables = tuple(path for path in paths if path is not None)
        if tables and tables not in seen:
            seen.add(tables)
            if (found := take(run, patient, corpus)) is not None:
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


def _table(run: Run, corpus: CorpusFolders, table: Path) -> Rows:
    """Return the rows of a table of a corpus; none if it is missing."""
    found = run.table((corpus.tables / table.name).as_posix())
    return [] if found is None else found.to_pylist()


def _rows(run: Run, corpus: CorpusFolders) -> Iterator[tuple[str, str]]:
    """Yield cycle and hash of each row of a corpus's waveforms and features."""
    for name in run.names(corpus.waveforms.as_posix()):
        path = run.path(name)
        if path is not None and name.endswith(".parquet"):
            with as_artifact_error(), open_table(path) as file:
                for batch in file.iter_batches(batch_size=ROWS, columns=["cycle_id", "samples"]):
                    yield from zip(batch["cycle_id"].to_pylist(), row_hashes(batch["samples"]), strict=True)
    for name in _features(run, corpus):
        path, index = run.path(name), run.path(str(Path(name).with_name(file_names.INDEX)))
        if path is not None and index is not None and name.endswith(file_names.FEATURES):
            with as_artifact_error():
                features = read_array(path, np.float16, dimensions=3)
            for row in read_table(index).to_pylist():
                yield row["cycle_id"], numbers_hash(features[row["row"]])


def _features(run: Run, corpus: CorpusFolders) -> list[str]:
    """Return the paths of a corpus's arrays of features."""
    pattern = corpus.features("*") / file_names.FEATURES
    return [name for name in run.names(pattern.parts[0]) if PurePath(name).match(str(pattern))]


def _unread(run: Run, corpus: CorpusFolders) -> Iterator[str]:
    """Yield the waveforms and features of a corpus that the run's records name and that are missing."""
    if not run.records:
        yield str(artifacts.RECORDS)
    for stage, record in run.records.items():
        work, own, frontend = artifacts.corpus_of(stage) or (None, None, None)
        if own == corpus and work in ("extract", "fbank"):
            folder = corpus.waveforms if frontend is None else corpus.features(frontend)
            for name in by_path(record["outputs"]):
                if name.startswith(f"{folder.as_posix()}/") and run.path(name) is None:
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
