"""Differences between two versions of a file, by row and column, tensor, key, frame or line."""

import itertools
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lineage.content import tensors
from models import file_names
from tasks.runtime.artifact_reading import read_table
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import flatten

KEYS = ("cycle_id", "recording_id")
LIMIT = 3  # differences that are listed


def difference(old: Path, new: Path) -> str:
    """Describe the differences of a file from its original; the suffix of the new file gives the format."""
    differences = _BY_SUFFIX.get(new.suffix, _bytes)
    try:
        found = list(itertools.islice(differences(old, new), LIMIT + 1))
    except (ValueError, OSError, KeyError, struct.error, RuntimeError, pa.ArrowException, BreathlineError):
        found = []
    found = found or list(itertools.islice(_bytes(old, new), 1))
    return "; ".join(found[:LIMIT]) + ("; and more" if len(found) > LIMIT else "")


def _bytes(old: Path, new: Path) -> Iterator[str]:
    before, after = (np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0) for path in (old, new))
    shared = min(len(before), len(after))
    places = np.flatnonzero(before[:shared] != after[:shared])
    if len(before) != len(after):
        yield f"{len(after)} bytes instead of {len(before)}"
    if len(places):
        yield f"{len(places)} bytes differ, the first at {places[0]}"


def _table(old: Path, new: Path) -> Iterator[str]:
    before, after = (read_table(path) for path in (old, new))
    key = next((name for name in KEYS if name in before.column_names), None)
    if before.schema.names != after.schema.names:
        yield f"columns {', '.join(sorted(set(before.schema.names) ^ set(after.schema.names))) or 'in another order'}"
        return
    if before.num_rows != after.num_rows:
        yield f"{after.num_rows} rows instead of {before.num_rows}"
        return
    for name in before.column_names:
        one, other = before[name].combine_chunks(), after[name].combine_chunks()
        if one.equals(other):
            continue
        for row in range(before.num_rows):
            if not one[row].equals(other[row]):
                label = _label(before, row, key)
                yield f"{name} of {label}: {_short(one[row].as_py())} → {_short(other[row].as_py())}"


def _label(table: pa.Table, row: int, key: str | None) -> str:
    """Return the name of a row: its model where it has one, and its cycle or recording."""
    names = [name for name in ("model", "selection", key) if name and name in table.column_names]
    return " ".join(str(table[name][row].as_py()) for name in names) or f"row {row}"


def _array(old: Path, new: Path) -> Iterator[str]:
    before, after = (np.load(path, mmap_mode="r", allow_pickle=False) for path in (old, new))
    if before.shape != after.shape or before.dtype != after.dtype:
        yield f"{after.dtype}{after.shape} instead of {before.dtype}{before.shape}"
        return
    index = new.parent / file_names.INDEX
    ids = read_table(index)["cycle_id"].to_pylist() if index.is_file() else []
    for row in range(len(before)):
        one, other = (np.asarray(array[row]).view(np.uint8) for array in (before, after))
        if not np.array_equal(one, other):
            values = int((np.asarray(before[row]) != np.asarray(after[row])).sum())
            yield f"row {row}{f' ({ids[row]})' if row < len(ids) else ''}, {values} values"


def _tensors(old: Path, new: Path) -> Iterator[str]:
    before, after = (
        {name: (dtype, shape, b"".join(parts)) for name, dtype, shape, parts in tensors(path)} for path in (old, new)
    )
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            yield f"tensor {name} {'is new' if name in after else 'is missing'}"
        elif before[name] != after[name]:
            yield f"tensor {name} {before[name][1]}"


def _wav(old: Path, new: Path) -> Iterator[str]:
    import soundfile

    (before, rate), (after, other_rate) = (soundfile.read(path, dtype="int32", always_2d=True) for path in (old, new))
    if rate != other_rate or before.shape != after.shape:
        yield f"{len(after)} frames at {other_rate} Hz instead of {len(before)} at {rate} Hz"
        return
    frames = np.flatnonzero((before != after).any(axis=1))
    if len(frames):
        seconds = (
            f"{frames[0] / rate:.3f} s" if len(frames) == 1 else f"{frames[0] / rate:.3f}–{frames[-1] / rate:.3f} s"
        )
        yield f"{len(frames)} frames differ, the first is {frames[0]} ({seconds})"


def _keys(old: Path, new: Path) -> Iterator[str]:
    before, after = (flatten(json.loads(path.read_text(encoding="utf-8")), lists=True) for path in (old, new))
    for key in [*before, *(set(after) - set(before))]:
        if before.get(key, "absent") != after.get(key, "absent"):
            yield f"{key}: {_short(before.get(key, 'absent'))} → {_short(after.get(key, 'absent'))}"


def _lines(old: Path, new: Path) -> Iterator[str]:
    before, after = (path.read_text(encoding="utf-8").splitlines() for path in (old, new))
    for number, (one, other) in enumerate(itertools.zip_longest(before, after), 1):
        if one != other:
            yield f"line {number}: {_short(one)} → {_short(other)}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value).replace("\t", " ")
    return text if len(text) <= 60 else f"{text[:57]}…"


_BY_SUFFIX: dict[str, Callable[[Path, Path], Iterator[str]]] = {
    ".parquet": _table,
    ".npy": _array,
    ".safetensors": _tensors,
    ".wav": _wav,
    ".json": _keys,
    ".txt": _lines,
    ".csv": _lines,
}
