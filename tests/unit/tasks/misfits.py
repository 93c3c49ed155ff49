"""Artifacts that are whole files of their format with other content than expected, and the readers of each."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

from cli import report
from lineage import project, record
from models import artifact
from models.training.feature_cache import INDEX
from models.training.features import Features
from tasks.checks import frames
from tasks.corpora import registry
from tasks.evaluation import cycles as test_cycles
from tasks.extract import extract
from tasks.reporting import run_results, verdicts
from tasks.runtime import corpus_facts, params
from tasks.runtime.corpus_facts import CorpusFacts, Identity
from tasks.runtime.files import write_json
from tasks.subsets import assignment
from tasks.training import student
from tasks.training.torch_setup import as_breathline_error

Change = Callable[[Path], object]
GROUPS = ("device", "location", "sex")


@dataclass(frozen=True)
class Reader:
    """Reader of a file of a project in the current folder.

    Attributes:
        read: Function that reads the file.
        keys: Dotted keys, or columns, that the reader needs.
        untyped: Whether the reader leaves the types of the values open.
    """

    read: Callable[[], object]
    keys: tuple[str, ...] = ()
    untyped: bool = False


def _with_where(read: Callable[[], object]) -> object:
    with as_breathline_error(where="somewhere else"):
        return read()


def _checked_tables() -> object:
    corpus = registry.get("icbhi")
    return frames.read(Path("data/extracted/icbhi"), corpus.recordings_schema, corpus.cycles_schema)


def _extracted() -> object:
    return extract(Path("data/raw/icbhi"), Path("extracted"), Path("waveforms"), rates=[16_000], workers=1)


def _test_cycles() -> object:
    tables = Path("data/cycles/cycles.parquet"), Path("data/cycles/recordings.parquet")
    return test_cycles.read(*tables, ids=["105_1b1_Tc_sc_Meditron_000"], labels="lungsound_4", groups=GROUPS)


def _assigned() -> object:
    return assignment.from_params(params.read())


_cache = partial(_with_where, partial(Features, Path("data/fbank/ast")))
_model = partial(_with_where, partial(artifact.load, Path("data/teachers/t1"), "val"))
_identity = tuple(f"identity.{one.name}" for one in fields(Identity) if one.name in {"name", "verified", "recordings"})
READERS = {
    "data/raw/icbhi/source.json": Reader(_extracted, ("format", "identity", *_identity)),
    "data/cycles/cycles.parquet": Reader(
        _assigned, ("corpus", "cycle_id", "patient_id", "device", "split", "fold", "lungsound_4")
    ),
    "data/cycles/recordings.parquet": Reader(_test_cycles, ("recording_id", "age", *GROUPS), untyped=True),
    "data/extracted/icbhi/summary.json": Reader(_checked_tables, tuple(frames.SUMMARY_KEYS)),
    "data/cycles/corpus.json": Reader(
        corpus_facts.read,
        tuple(one.name for one in fields(CorpusFacts) if one.default is MISSING and one.name != "label_sets"),
    ),
    "data/cycles/label_sets.json": Reader(
        corpus_facts.read_label_sets, ("lungsound_4.classes", "lungsound_4.column", "lungsound_4.description")
    ),
    "data/fbank/ast/icbhi/features.npy": Reader(_cache),
    "data/fbank/ast/icbhi/index.parquet": Reader(_cache, tuple(INDEX.names)),
    "data/fbank/ast/icbhi/statistics.json": Reader(_cache, ("duration_s",)),
    "data/teachers/t1/model.json": Reader(_model, tuple(artifact.CARD_KEYS)),
    "data/student/1/model.json": Reader(
        lambda: run_results.read_card(Path("data/student/1")), tuple(run_results.CARD_KEYS)
    ),
    "data/teachers/t1/val.safetensors": Reader(_model),
    "data/soft_labels/soft_labels.parquet": Reader(
        lambda: student.read_soft_labels(Path("data/soft_labels/soft_labels.parquet")), tuple(student.SOFT_LABELS.names)
    ),
    "reports/metrics.json": Reader(
        report.report, ("test", "labels", "split", "selections", "student", "students", "classes", "interval"), True
    ),
    "data/validation/icbhi/results.json": Reader(
        lambda: verdicts.read(Path(), "training", "icbhi"), ("success", "totals.holding", "expectations")
    ),
    "data/lineage/evaluate.json": Reader(lambda: project.load(Path()), tuple(record.KEYS)),
}


def misfits(path: Path, reader: Reader) -> Iterator[tuple[str, Change]]:
    """Yield name and change of each misfit of a file, by its format."""
    yield from {".json": _json, ".parquet": _table, ".npy": _array, ".safetensors": _tensors}[path.suffix](path, reader)


def _json(_: Path, reader: Reader) -> Iterator[tuple[str, Change]]:
    for name, content in {
        "a list": b"[]",
        "a number": b"5",
        "a number of 5,000 digits": b'{"a": ' + b"9" * 5000 + b"}",
        "nested too deep": b'{"a":' * 100_000,
        "more behind the end": b"{} {}",
        "UTF-16": "{}".encode("utf-16"),
        "no UTF-8": b'{"a": "\xff"}',
        "merge markers": b"<<<<<<< HEAD\n{}\n",
    }.items():
        yield name, lambda file, content=content: file.write_bytes(content)
    for key in reader.keys:
        yield f"without {key}", lambda file, key=key: _edit(file, key, remove=True)
        if not reader.untyped:
            yield f"{key} of another type", lambda file, key=key: _edit(file, key)


def _edit(file: Path, key: str, *, remove: bool = False) -> None:
    """Remove a key of a JSON file, or give it a value that has none of the types of the value that it has."""
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    *outer, last = key.split(".")
    inner = loaded
    for part in outer:
        inner = inner[part]
    if remove:
        del inner[last]
    else:
        inner[last] = 5 if isinstance(inner[last], str | list | dict) or inner[last] is None else ["x"]
    write_json(file, loaded)


def _table(path: Path, reader: Reader) -> Iterator[tuple[str, Change]]:
    table = pq.read_table(path)
    for column in reader.keys:
        place = table.column_names.index(column)
        yield f"without {column}", partial(_write, table.drop_columns([column]))
        if not reader.untyped:
            strange = pa.array([True] * table.num_rows)
            yield f"{column} of booleans", partial(_write, table.set_column(place, column, strange))
    yield "no columns", partial(_write, pa.table({}))
    yield "a hole in a column", partial(_overwrite, reader.keys[0])


def _write(table: pa.Table, file: Path) -> None:
    pq.write_table(table, file)


def _overwrite(column: str, file: Path) -> None:
    """Overwrite the data of a column, and leave the directory of the file as it is."""
    with pq.ParquetFile(file) as table:
        place = table.schema_arrow.names.index(column)
        about = table.metadata.row_group(0).column(place)
    start, size, data = about.data_page_offset, about.total_compressed_size, file.read_bytes()
    file.write_bytes(data[:start] + b"\xa5" * size + data[start + size :])


def _array(path: Path, _: Reader) -> Iterator[tuple[str, Change]]:
    values = np.load(path)
    for name, changed in {
        "float32": values.astype(np.float32),
        "integers": values.astype(np.int16),
        "two dimensions": values[:, 0],
        "a row less than its index": values[1:],
        "a row more than its index": np.concatenate([values, values[:1]]),
        "no rows": values[:0],
        "one number": np.float16(1),
        "objects": np.array([[["x"]]], dtype=object),
    }.items():
        yield name, lambda file, changed=changed: np.save(file, changed)
    yield "bytes missing", lambda file: file.write_bytes(file.read_bytes()[:-2])
    yield "a header of a larger array", lambda file: file.write_bytes(file.read_bytes().replace(b"(13,", b"(99,", 1))


def _tensors(path: Path, _: Reader) -> Iterator[tuple[str, Change]]:
    state: Mapping[str, np.ndarray] = load_file(path)
    first = next(iter(state))
    others = {name: tensor for name, tensor in state.items() if name != first}
    for name, changed in {
        "a tensor less": others,
        "a tensor more": {**state, "more": np.zeros(1, np.float32)},
        "a tensor of another shape": {**others, first: np.zeros(7, np.float32)},
        "no tensors": {},
    }.items():
        yield name, lambda file, changed=changed: save_file(changed, file)
    yield "a header that never ends", lambda file: file.write_bytes((1 << 60).to_bytes(8, "little") + b"{}")
    yield "a header that is no JSON", lambda file: file.write_bytes((2).to_bytes(8, "little") + b"no" + bytes(64))
    yield "bytes missing", lambda file: file.write_bytes(file.read_bytes()[:-4])
