"""Columns of Arrow from values of Python, against `pyarrow.array`."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.runtime import arrow_columns


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", None, "ü€", ""], pa.string()),
        ([1, None, -128, 127, 0, 3, 4, 5, None], pa.int8()),
        ([2**40, -1], pa.int64()),
        ([0.5, None, float("nan"), 1], pa.float64()),
        ([3.0, None], pa.int32()),
        ([True, None, False] * 5, pa.bool_()),
        ([7, 2**63], pa.uint64()),
        ([[1], None], pa.list_(pa.int8())),
        ([], pa.string()),
        ([None], pa.float64()),
    ],
)
def test_a_column_is_that_of_pyarrow(values, kind):
    found = arrow_columns.column(values, kind)
    found.validate(full=True)
    assert (found.type, found.to_string()) == (kind, pa.array(values, kind).to_string())


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1.5], pa.int32()), ([300], pa.int8()), ([2**40], pa.int32()), (["x"], pa.int8()), ([1], pa.string())],
)
def test_a_value_that_does_not_fit_is_refused(values, kind):
    with pytest.raises(ValueError, match=r"does not fit|is no text"):
        arrow_columns.column(values, kind)


def test_missing_keys_of_a_row_are_null_and_further_keys_are_left_out():
    schema = pa.schema({"name": pa.string(), "size": pa.int32()})
    rows = [{"name": "a", "more": 1}, {"size": 2}]
    assert arrow_columns.table(rows, schema).equals(pa.Table.from_pylist(rows, schema=schema))


def test_numbers_share_the_memory_of_an_array():
    values = np.arange(5, dtype=np.float32)
    found = arrow_columns.numbers(values, pa.float32())
    assert found.equals(pa.array(values))
    assert found.buffers()[1].address == values.ctypes.data
