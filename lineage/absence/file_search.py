"""Search for a patient in single files: names, ids, and hashes of files, rows and weights.

Members of archives and compressed files are searched as well. The content tells the format of a file without a suffix,
such as an object of DVC's cache.
"""

import json
import mmap
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lineage.absence import fingerprint as prints
from lineage.absence import members
from lineage.absence.fingerprint import Fingerprint
from lineage.content import tensors_hash
from models.file_reading import reading, streamed_table
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.corpora import registry
from tasks.runtime.artifact_reading import as_artifact_error
from tasks.runtime.error_output import one_line
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

KNOWN = (".parquet", ".npy", ".json", ".safetensors")
PARQUET, NPY = b"PAR1", b"\x93NUMPY"
NAMED = "the name of a recording or cycle"
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
        own: Corpus of the patient in params.yaml, if it is known.
        homonyms: Other corpora with a patient of this number, whose files are searched by hash alone.
        remnants: Data of the patient that were found.
        rows: Number of rows of numbers whose hashes were compared.
        digests: SHA-256 of each file, by its name in the search; only where hashes are known.
        unread: Archives that cannot be unpacked, so that their members are unknown.
    """

    root: Path
    patient: str
    known: Fingerprint | None
    formats: Collection[str]
    own: CorpusFolders | None = None
    homonyms: Collection[CorpusFolders] = ()
    remnants: list[Remnant] = field(default_factory=list)
    rows: int = 0
    digests: dict[str, str] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.corpora = [registry.get(name) for name in self.formats]
        patterns = dict.fromkeys(f"(?:{corpus.name_pattern(self.patient)})" for corpus in self.corpora)
        self.name = re.compile("|".join(patterns).encode())
        self.by_name = True

    def add_file(self, name: str, *, by_name: bool = True, path: Path | None = None) -> None:
        """Search a file, and the members of an archive.

        Args:
            name: Path of the file relative to the root, or what it is called.
            by_name: Whether names and ids in the file can be those of the patient; else only hashes are compared.
            path: Place of the file, if it is not below the root.
        """
        self.by_name = by_name
        found = list(dict.fromkeys(self._all(self.root / name if path is None else path, name)))
        self.remnants += [Remnant(name, what) for what in found]

    def _all(self, path: Path, name: str) -> Iterator[str]:
        """Yield what a file holds of the patient."""
        suffix = _format(path, Path(name).suffix)
        if self.by_name:
            yield from self._bytes(path, name)
        yield from self._hashes(path, name, suffix)
        searches = {".parquet": self._table, ".npy": self._array} | ({".json": self._json} if self.by_name else {})
        if search := searches.get(suffix):
            with as_artifact_error(), reading(path, suffix):
                yield from search(path)
        if self.by_name and Path(name).parent.name == artifacts.METADATA and self._names_patient(path.read_bytes()):
            yield "lines about the patient"
        try:
            with members.unpacked(path) as inside:
                for member, copy in inside:
                    yield from (f"{what} (in its member {member})" for what in self._all(copy, f"{name}/{member}"))
        except members.MemberError as error:
            self.unread.append(f"{name}: {error}")

    def try_file(self, name: str, **options: Any) -> list[Remnant]:
        """Search a file and return what it holds of the patient; a damaged file is noted as unread."""
        number = len(self.remnants)
        options.setdefault("by_name", self.may_name(name))
        try:
            self.add_file(name, **options)
        except (BreathlineError, OSError, ValueError, RecursionError) as error:
            self.unread.append(f"{name}: {one_line(error)}")
        return self.remnants[number:]

    def may_name(self, name: str) -> bool:
        """Return whether names in an out can be those of the patient, and not of another one of this number."""
        if not self.homonyms:
            return True
        # `data/fbank/ast/hospital/…` is of one corpus, and so is `data/lineage/fbank_external@hospital-ast.json`.
        parts = PurePosixPath(name).parts
        stages = map(artifacts.corpus_of, (part.removesuffix(".json") for part in parts))
        names = {*parts, *(found[1].name for found in stages if found)}
        if self.own and self.own.name in names:
            return True
        if any(one.name in names for one in self.homonyms):
            return False
        external = name == artifacts.EXTERNAL_PREDICTIONS.as_posix()
        return not any((one.role == "external") == external for one in self.homonyms)

    def names(self, content: bytes) -> bool:
        """Return whether a text has the name of a recording or cycle of the patient."""
        return self.name.search(content) is not None

    def _names_patient(self, content: bytes) -> bool:
        """Return whether the content of a metadata file names the patient."""
        return any(self.patient in corpus.patients_named(content) for corpus in self.corpora)

    def _bytes(self, path: Path, name: str) -> Iterator[str]:
        if self.name.search(name.encode()):
            yield "its name"
        if path.stat().st_size:
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                if hit := self.name.search(data):
                    yield f"{NAMED}, at byte {hit.start()}"

    def _hashes(self, path: Path, name: str, suffix: str) -> Iterator[str]:
        if self.known is None:
            return
        self.digests[name] = sha256(path)
        if whole := self.known.files.get(self.digests[name]):
            yield f"all bytes of {whole}"
        if suffix == ".safetensors":
            with as_artifact_error(), reading(path, suffix):
                digest = tensors_hash(path)
            if weights := self.known.learned.get(digest):
                yield f"the weights of {weights}, unchanged since they learned from the patient"

    def _table(self, path: Path) -> Iterator[str]:
        with streamed_table(path) as file:
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


def _format(path: Path, suffix: str) -> str:
    """Return the suffix of a file's format, which the content tells where the name has none."""
    if suffix in KNOWN:
        return suffix
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(PARQUET):
        return ".parquet"
    if start.startswith(NPY):
        return ".npy"
    # A file of safetensors begins with the length of its header, which is JSON.
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size:
        return ".safetensors"
    return ".json" if start[:1] in (b"{", b"[") and _is_json(path) else ""


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True


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
