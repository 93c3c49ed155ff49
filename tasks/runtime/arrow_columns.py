"""Columns of Arrow from values of Python. `pyarrow.array` would import pandas where it is installed, in 0.3 s."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_NUMPY = {pa.bool_(): np.bool_, pa.float16(): np.float16, pa.float32(): np.float32, pa.float64(): np.float64}


def table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return rows as a table; keys without a column are left out, and missing keys are null.

    Args:
        rows: Values by the names of columns.
        schema: Columns; those of strings, numbers and truth values need no pandas.

    Raises:
        ValueError: A value does not fit into its column.
    """
    columns = []
    for one in schema:
        try:
            columns.append(column([row.get(one.name) for row in rows], one.type))
        except (OverflowError, TypeError, ValueError) as error:
            raise ValueError(f"column {one.name}: {error}") from error
    return pa.Table.from_arrays(columns, schema=schema)


def column(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    """Return a column; None is null.

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
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        given = np.array([0 if value is None else value for value in values])
        if given.dtype.kind not in "biuf":
            wrong = next(value for value in values if value is not None and np.array(value).dtype.kind not in "biuf")
            raise ValueError(f"{wrong!r} does not fit into {kind}")
        found = given.astype(str(kind) if pa.types.is_integer(kind) else _NUMPY[kind])
        if not np.array_equal(found, given, equal_nan=True):
            wrong = values[int(np.flatnonzero((found != given) & ~np.isnan(given))[0])]
            raise ValueError(f"{wrong!r} does not fit into {kind}")
        packed = np.packbits(found, bitorder="little") if pa.types.is_boolean(kind) else found
        buffers = [pa.py_buffer(packed)]
    else:
        return pa.array(values, kind)
    return pa.Array.from_buffers(kind, len(values), [valid, *buffers])


def numbers(values: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Return a column that shares the memory of an array without nulls, of the same type."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])
