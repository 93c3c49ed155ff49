"""Columns of Arrow from values of Python. `pyarrow.array` would import pandas where it is installed, in 0.3 s."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return rows as a table; keys without a column are left out, and missing keys are null.

    Args:
        rows: Values by the names of columns.
        schema: Columns of strings, integers and floats.

    Raises:
        ValueError: A value does not fit into its column.
    """
    return pa.Table.from_arrays(
        [column([row.get(one.name) for row in rows], one.type) for one in schema], schema=schema
    )


def column(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    """Return a column of strings, integers or floats; None is null.

    Args:
        values: Values of the column.
        kind: Type of the column.

    Raises:
        ValueError: A value does not fit into the column.
    """
    values = list(values)
    known = np.array([value is not None for value in values], dtype=np.bool_)
    valid = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    if pa.types.is_string(kind):
        texts = ["" if value is None else value for value in values]
        if wrong := [text for text in texts if not isinstance(text, str)]:
            raise ValueError(f"{wrong[0]!r} is no text")
        encoded = [text.encode() for text in texts]
        ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
        buffers = [pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    else:
        given = np.array([0 if value is None else value for value in values])
        found = given.astype(f"{'f' if pa.types.is_floating(kind) else 'i'}{kind.bit_width // 8}")
        if not np.array_equal(found, given, equal_nan=True):
            raise ValueError(f"values of {given.dtype} do not fit into {kind}")
        buffers = [pa.py_buffer(found)]
    return pa.Array.from_buffers(kind, len(values), [valid, *buffers])


def numbers(values: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Return a column that shares the memory of an array without nulls, of the same type."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])
