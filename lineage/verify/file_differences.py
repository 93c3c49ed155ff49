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
IDS = ("model", "selection", "method")  # columns that tell rows of one cycle apart
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
    order = _order(before, after, key)
    if order is not None:
        first = next(row for row, place in enumerate(order) if row != place)
        yield f"the rows are in another order, from row {first} on ({_label(after, first, key)})"
        after = after.take(order)
    types = []
    for name in before.column_names:
        one, other = before[name].combine_chunks(), after[name].combine_chunks()
        if one.type != other.type:
            types.append(f"{name} is {other.type} instead of {one.type}")
            other = _with_type(other, one.type)
        if one.equals(other):
            continue
        for row in range(before.num_rows):
            if not one[row].equals(other[row]) and (told := _change(one[row].as_py(), other[row].as_py())):
                yield f"{name}{told[0]} of {_label(before, row, key)}: {told[1]}"
    if types:
        yield f"another program wrote the table: {', '.join(types)}"


def _order(before: pa.Table, after: pa.Table, key: str | None) -> list[int] | None:
    """Return the row of the new table for each row of the old one; None where both have one order, or no common ids."""
    names = [name for name in (*IDS, key) if name in before.column_names]
    one, other = (list(zip(*(table[name].to_pylist() for name in names), strict=True)) for table in (before, after))
    places = {row: place for place, row in enumerate(other)}
    if one == other or len(places) != len(other) or set(one) != places.keys():
        return None
    return [places[row] for row in one]


def _with_type(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return a column in another type, or as it is if its values do not fit."""
    try:
        return column.cast(kind)
    except pa.ArrowException:
        return column


def _label(table: pa.Table, row: int, key: str | None) -> str:
    """Return the name of a row: its model where it has one, and its cycle or recording."""
    names = [name for name in (*IDS, key) if name and name in table.column_names]
    return " ".join(str(table[name][row].as_py()) for name in names) or f"row {row}"


def _array(old: Path, new: Path) -> Iterator[str]:
    before, after = (np.load(path, mmap_mode="r", allow_pickle=False) for path in (old, new))
    if before.shape != after.shape or before.dtype != after.dtype:
        yield f"{after.dtype}{after.shape} instead of {before.dtype}{before.shape}"
        return
    index = new.parent / file_names.INDEX
    ids = read_table(index)["cycle_id"].to_pylist() if index.is_file() else []
    for row in range(len(before)):
        one, other = (np.ascontiguousarray(array[row]).reshape(-1).view(np.uint8) for array in (before, after))
        if not np.array_equal(one, other):
            values = int((one != other).reshape(-1, before.dtype.itemsize).any(axis=1).sum())
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
        if key not in before or key not in after:
            yield f"{key}: {_short(before.get(key, 'absent'))} → {_short(after.get(key, 'absent'))}"
        elif told := _change(before[key], after[key]):
            yield f"{key}: {told[1]}"


def _lines(old: Path, new: Path) -> Iterator[str]:
    before, after = (path.read_text(encoding="utf-8").splitlines() for path in (old, new))
    for number, (one, other) in enumerate(itertools.zip_longest(before, after), 1):
        if told := _change(one, other):
            yield f"line {number}: {told[1]}"


def _change(one: Any, other: Any) -> tuple[str, str] | None:
    """Describe the first difference of two values: the place in a list, and both values, which never look equal.

    None if the values are the same; two NaN are.
    """
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        found = ((place, told) for place, pair in enumerate(zip(one, other, strict=True)) if (told := _change(*pair)))
        place, told = next(found, (0, None))
        return told and (f"[{place}]{told[0]}", told[1])
    if isinstance(one, list) and isinstance(other, list):
        return "", f"{len(one)} values → {len(other)} values"
    if repr(one) == repr(other):  # NaN is not equal to itself
        return None
    short = _short(one), _short(other)
    if short[0].strip() == short[1].strip():
        short = _around(repr(one), repr(other))
    return "", " → ".join(short)


def _around(one: str, other: str) -> tuple[str, str]:
    """Return two texts from some characters before the first difference on."""
    same = next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
    start = max(0, same - 20) if max(len(one), len(other)) > 60 else 0
    first, second = (("…" if start else "") + _short(text[start:]) for text in (one, other))
    return first, second


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
