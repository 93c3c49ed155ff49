"""Looks for a patient in every file of every out that lies there."""

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
from tasks import artifacts
from tasks.corpora.icbhi.exclusion import patients_named
from tasks.corpora.icbhi.names import CHEST_LOCATIONS
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

METADATA = artifacts.RAW_METADATA.as_posix()
NUMBERS = ("patient", "patient_id")  # columns
ONE = re.compile(r"patient(_\w+)?")  # keys whose number is a patient; that of `patients` is how many there are


@dataclass(frozen=True)
class Trace:
    """Something of the patient.

    Attributes:
        path: The file that has it.
        what: In words.
    """

    path: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Absence:
    """What a search found.

    Attributes:
        patient: The patient.
        traces: What is left of them, by path.
        files: How many files were searched.
        rows: How many rows of numbers, such as waveforms and features, were compared by hash.
        known_by: The run whose hashes were looked for, and how many of each kind; none where only names were.
        not_there: Outs that do not lie there and so hold nothing.
    """

    patient: str
    traces: tuple[Trace, ...]
    files: int
    rows: int
    known_by: Mapping[str, Any] | None
    not_there: tuple[str, ...]

    @property
    def proven(self) -> bool:
        """Whether all of it was searched, and nothing found; names alone prove nothing of renamed samples."""
        searched = self.files > 0 and not self.not_there
        return searched and not self.traces and self.known_by is not None and not self.known_by["unread"]

    def as_json(self) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        return asdict(self) | {"proven": self.proven}


@dataclass
class _Search:
    """Goes through files, and remembers what it saw."""

    root: Path
    patient: str
    known: Fingerprint | None
    traces: list[Trace] = field(default_factory=list)
    rows: int = 0

    def __post_init__(self) -> None:
        places = "|".join(CHEST_LOCATIONS)
        self.name = re.compile(rf"(?<![0-9]){re.escape(self.patient)}_[0-9]+[a-z][0-9]+_(?:{places})_".encode())

    def look(self, name: str) -> None:
        path = self.root / name
        found = [*self._bytes(path, name), *self._hashes(path)]
        if path.suffix == ".parquet":
            found += self._table(path)
        elif path.suffix == ".npy":
            found += self._array(path)
        elif path.suffix == ".json":
            found += self._json(path)
        if name.startswith(METADATA):
            found += ["lines about the patient"] if self.patient in patients_named(path.read_bytes()) else []
        self.traces += [Trace(name, what) for what in dict.fromkeys(found)]

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
            yield f"the weights of {weights} as they were when they had learned from the patient"

    def _table(self, path: Path) -> Iterator[str]:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=prints.ROWS):
                for column, values in zip(batch.schema.names, batch.columns, strict=True):
                    yield from self._column(column, values)

    def _column(self, column: str, values: pa.Array) -> Iterator[str]:
        if column in NUMBERS and pc.any(pc.equal(values.cast(pa.string()), self.patient)).as_py():
            yield "rows of the patient"
        # Compressed, a name is no longer there as bytes.
        if (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)) and any(
            self.name.search(value.encode()) for value in values.to_pylist() if value
        ):
            yield f"names of recordings or cycles, in `{column}`"
        if prints.holds_floats(values.type):
            for digest in prints.hashes(values) if self.known else ():
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
        """Yield whose numbers these are, if they are the patient's."""
        if self.known and (cycle := self.known.rows.get(digest)):
            yield f"the samples or features of {cycle}"

    def _json(self, path: Path) -> Iterator[str]:
        try:
            keys = _under(json.loads(path.read_bytes()), self.patient)
            yield from (f"the patient's number, under `{key}`" for key in keys)
        except ValueError as error:
            hint = "`breathline audit verify` tells whether it was altered"
            raise BreathlineError("This is no JSON: it cannot be searched.", where=path, hint=hint) from error


def _under(value: Any, patient: str, key: str = "", *, listed: bool = False) -> Iterator[str]:
    """Yield the keys that begin with `patient` and under which a patient's number stands."""
    theirs = key.startswith("patient")
    if isinstance(value, dict):
        if theirs and patient in value:
            yield key
        for name, inner in value.items():
            yield from _under(inner, patient, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _under(inner, patient, key, listed=True)
    elif theirs and (listed or ONE.fullmatch(key)) and str(value) == patient:
        yield key


def search(root: Path, patient: str, known: Fingerprint | None) -> Absence:
    """Return what is left of a patient in the outs of all stages.

    Args:
        root: The project.
        patient: The patient's number.
        known: What their data can be known by; without it only names and numbers are looked for.

    Raises:
        BreathlineError: dvc.yaml or params.yaml cannot be read.
        OSError: A file cannot be read.
    """
    outs = list(dict.fromkeys(out for stage in graph.read(root).values() for out in stage.outs))
    files = sorted({file for out in outs for file in _files(root, out)})
    looking = _Search(root, patient, known)
    for name in files:
        looking.look(name)
    counted = (
        {
            "taken_of": known.taken_of,
            "files": len(known.files),
            "rows": len(known.rows),
            "weights": len(known.learned),
            "unread": list(known.unread),
        }
        if known
        else None
    )
    return Absence(
        patient=patient,
        traces=tuple(looking.traces),
        files=len(files),
        rows=looking.rows,
        known_by=counted,
        not_there=tuple(out for out in outs if not (root / out).exists()),
    )


def _files(root: Path, out: str) -> list[str]:
    path = root / out
    found = [path] if path.is_file() else path.rglob("*")
    return [str(file.relative_to(root)) for file in found if file.is_file()]
