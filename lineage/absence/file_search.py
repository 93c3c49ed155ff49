"""Search for a patient in single files: names, ids, and hashes of files, rows and weights."""

import json
import mmap
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lineage.absence import fingerprint as prints
from lineage.absence.fingerprint import Fingerprint
from lineage.content import tensors_hash
from models.file_reading import reading
from tasks import artifacts
from tasks.corpora import registry
from tasks.runtime.artifact_reading import as_artifact_error
from tasks.runtime.files import sha256

PATIENT_COLUMNS = ("patient", "patient_id")
# JSON keys whose value is a patient's id. The value of `patients` is a count.
PATIENT_KEY = re.compile(r"patient(_\w+)?")


@dataclass(frozen=True)
class Remnant:
    """Data of the patient in a file."""

    path: str  # path of the file
    what: str  # description of the data


@dataclass
class FileSearch:
    """Search over files, with its findings so far.

    Attributes:
        root: Root of the project.
        patient: Id of the patient.
        known: Hashes of the patient's data; None for a search by name alone.
        formats: Formats of the corpora that the patient may be in; they know the names of recordings.
        remnants: Data of the patient that were found.
        rows: Number of rows of numbers whose hashes were compared.
    """

    root: Path
    patient: str
    known: Fingerprint | None
    formats: Collection[str]
    remnants: list[Remnant] = field(default_factory=list)
    rows: int = 0

    def __post_init__(self) -> None:
        self.corpora = [registry.get(name) for name in self.formats]
        patterns = dict.fromkeys(f"(?:{corpus.name_pattern(self.patient)})" for corpus in self.corpora)
        self.name = re.compile("|".join(patterns).encode())
        self.by_name = True

    def add_file(self, name: str, *, by_name: bool = True) -> None:
        """Search a file.

        Args:
            name: Path of the file relative to the root.
            by_name: Whether names and ids in the file can be those of the patient; else only hashes are compared.
        """
        path, self.by_name = self.root / name, by_name
        found = [*(self._bytes(path, name) if by_name else ()), *self._hashes(path)]
        searches = {".parquet": self._table, ".npy": self._array} | ({".json": self._json} if by_name else {})
        if search := searches.get(path.suffix):
            with as_artifact_error(), reading(path, path.suffix):
                found += search(path)
        if by_name and path.parent.name == artifacts.METADATA and self._names_patient(path.read_bytes()):
            found.append("lines about the patient")
        self.remnants += [Remnant(name, what) for what in dict.fromkeys(found)]

    def _names_patient(self, content: bytes) -> bool:
        """Return whether the content of a metadata file names the patient."""
        return any(self.patient in corpus.patients_named(content) for corpus in self.corpora)

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
        if path.suffix == ".safetensors":
            with as_artifact_error(), reading(path, path.suffix):
                digest = tensors_hash(path)
            if weights := self.known.learned.get(digest):
                yield f"the weights of {weights}, unchanged since they learned from the patient"

    def _table(self, path: Path) -> Iterator[str]:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=prints.ROWS):
                for column, values in zip(batch.schema.names, batch.columns, strict=True):
                    yield from self._column(column, values)

    def _column(self, column: str, values: pa.Array) -> Iterator[str]:
        if (
            self.by_name
            and column in PATIENT_COLUMNS
            and pc.any(pc.equal(values.cast(pa.string()), self.patient)).as_py()
        ):
            yield "rows of the patient"
        # A compressed column does not hold the bytes of a name.
        is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
        if self.by_name and is_text and any(self.name.search(value.encode()) for value in values.to_pylist() if value):
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
        keys = _keys_of_patient(json.loads(path.read_bytes()), self.patient)
        yield from (f"the patient's number, under `{key}`" for key in keys)


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
