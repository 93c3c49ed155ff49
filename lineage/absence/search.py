"""Search for a patient in every file of every out."""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lineage import graph
from lineage.absence import fingerprint as prints
from lineage.absence.fingerprint import Fingerprint
from lineage.content import tensors_hash
from lineage.diff import runs
from tasks import artifacts
from tasks.corpora import registry
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

METADATA = artifacts.RAW_METADATA.as_posix()
PATIENT_COLUMNS = ("patient", "patient_id")
# JSON keys whose value is a patient's id. The value of `patients` is a count.
PATIENT_KEY = re.compile(r"patient(_\w+)?")
PREFIX = "patient:"


@dataclass(frozen=True)
class Remnant:
    """Data of the patient in a file.

    Attributes:
        path: Path of the file.
        what: Description of the data.
    """

    path: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Absence:
    """Result of a search.

    Attributes:
        patient: Id of the patient.
        traces: Data of the patient that were found, by path.
        files: Number of files that were searched.
        rows: Number of rows of numbers, such as waveforms and features, whose hashes were compared.
        known_by: Earlier run that provided the hashes, and the number of hashes of each kind; None for a search by
            name alone.
        not_there: Outs that are missing and were not searched.
    """

    patient: str
    traces: tuple[Remnant, ...]
    files: int
    rows: int
    known_by: Mapping[str, Any] | None
    not_there: tuple[str, ...]

    @property
    def proven(self) -> bool:
        """Whether all outs were searched by hash and nothing was found; a search by name misses renamed samples."""
        searched = self.files > 0 and not self.not_there
        return searched and not self.traces and self.known_by is not None and not self.known_by["unread"]

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return asdict(self) | {"proven": self.proven}


def find(root: Path, patient: str, before: str | None = None) -> Absence:
    """Search for a patient, with the hashes of an earlier run.

    Args:
        root: Root of the project.
        patient: Patient in the form ``patient:101``.
        before: Run that has the patient: a revision or a folder. By default, the last commit of dvc.lock with such a
            run.

    Raises:
        BreathlineError: The text names no patient, or the earlier run does not have the patient.
    """
    number = patient.removeprefix(PREFIX)
    if not number or number == patient:
        raise BreathlineError(f"`{patient}` does not name a patient.", hint="write, for example, patient:101")
    if before is None:
        return search(root, number, prints.take_from_history(root, number))
    known = prints.take(runs.open_run(before, root), number)
    if known is None:
        hint = "name a run that has the patient; DVC's cache must hold the tables of a revision (`dvc fetch`)"
        raise BreathlineError(f"{before} has no tables with patient {number}.", where="--before", hint=hint)
    return search(root, number, known)


def search(root: Path, patient: str, known: Fingerprint | None) -> Absence:
    """Search for a patient in the outs of all stages.

    Args:
        root: Root of the project.
        patient: Id of the patient.
        known: Hashes of the patient's data; without them, only names and ids are searched for.

    Raises:
        BreathlineError: dvc.yaml, params.yaml or a JSON file cannot be read.
        OSError: A file cannot be read.
    """
    outs = list(dict.fromkeys(out for stage in graph.read(root).values() for out in stage.outs))
    files = sorted({file for out in outs for file in _files(root, out)})
    searched = _Search(root, patient, known)
    for name in files:
        searched.add_file(name)
    counted: dict[str, Any] | None = None
    if known:
        counted = {"taken_of": known.taken_of, "unread": list(known.unread)}
        counted |= {"files": len(known.files), "rows": len(known.rows), "weights": len(known.learned)}
    return Absence(
        patient=patient,
        traces=tuple(searched.remnants),
        files=len(files),
        rows=searched.rows,
        known_by=counted,
        not_there=tuple(out for out in outs if not (root / out).exists()),
    )


def _files(root: Path, out: str) -> list[str]:
    path = root / out
    found = [path] if path.is_file() else path.rglob("*")
    return [str(file.relative_to(root)) for file in found if file.is_file()]


@dataclass
class _Search:
    """Search over files, with its findings so far."""

    root: Path
    patient: str
    known: Fingerprint | None
    remnants: list[Remnant] = field(default_factory=list)
    rows: int = 0

    def __post_init__(self) -> None:
        self.corpus = registry.get(json.loads((self.root / artifacts.SOURCE).read_bytes())["corpus"])
        self.name = re.compile(self.corpus.name_pattern(self.patient).encode())

    def add_file(self, name: str) -> None:
        path = self.root / name
        found = [*self._bytes(path, name), *self._hashes(path)]
        if path.suffix == ".parquet":
            found += self._table(path)
        elif path.suffix == ".npy":
            found += self._array(path)
        elif path.suffix == ".json":
            found += self._json(path)
        if name.startswith(METADATA) and self.patient in self.corpus.patients_named(path.read_bytes()):
            found.append("lines about the patient")
        self.remnants += [Remnant(name, what) for what in dict.fromkeys(found)]

    def _bytes(self, path: Path, name: str) -> Iterator[str]:
        if self.name.search(name.encode()):
            yield "its name"
        if path.stat().st_size:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                if hit := self.name.search(data):
                    yield f"the name of a recording or cycle, at byte {hit.start()}"

    def _hashes(self, path: Path) -> Iterator[str]:
        if self.known is None:
            return
        if name := self.known.files.get(sha256(path)):
            yield f"all bytes of {name}"
        if path.suffix == ".safetensors" and (weights := self.known.learned.get(tensors_hash(path))):
            yield f"the weights of {weights}, unchanged since they learned from the patient"

    def _table(self, path: Path) -> Iterator[str]:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=prints.ROWS):
                for column, values in zip(batch.schema.names, batch.columns, strict=True):
                    yield from self._column(column, values)

    def _column(self, column: str, values: pa.Array) -> Iterator[str]:
        if column in PATIENT_COLUMNS and pc.any(pc.equal(values.cast(pa.string()), self.patient)).as_py():
            yield "rows of the patient"
        # A compressed column does not hold the bytes of a name.
        if (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)) and any(
            self.name.search(value.encode()) for value in values.to_pylist() if value
        ):
            yield f"names of recordings or cycles, in `{column}`"
        if prints.holds_floats(values.type):
            for digest in prints.row_hashes(values) if self.known else ():
                self.rows += 1
                yield from self._numbers(digest)

    def _array(self, path: Path) -> Iterator[str]:
        if self.known is None:
            return
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        yield from self._numbers(prints.numbers_hash(array))
        for row in array if array.ndim > 1 else ():
            self.rows += 1
            yield from self._numbers(prints.numbers_hash(row))

    def _numbers(self, digest: str) -> Iterator[str]:
        if self.known and (cycle := self.known.rows.get(digest)):
            yield f"the samples or features of {cycle}"

    def _json(self, path: Path) -> Iterator[str]:
        try:
            keys = _keys_of_patient(json.loads(path.read_bytes()), self.patient)
            yield from (f"the patient's number, under `{key}`" for key in keys)
        except ValueError as error:
            hint = "`breathline audit verify` reports changed files"
            raise BreathlineError("The file is not valid JSON.", where=path, hint=hint) from error


def _keys_of_patient(value: Any, patient: str, key: str = "", *, listed: bool = False) -> Iterator[str]:
    """Yield the JSON keys that begin with `patient` and hold a patient's id."""
    named = key.startswith("patient")
    if isinstance(value, dict):
        if named and patient in value:
            yield key
        for name, inner in value.items():
            yield from _keys_of_patient(inner, patient, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys_of_patient(inner, patient, key, listed=True)
    elif named and (listed or PATIENT_KEY.fullmatch(key)) and str(value) == patient:
        yield key
