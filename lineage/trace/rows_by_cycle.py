"""Rows and values of tables, looked up without pandas: Arrow's grouping and arrays would import it, in 0.2 s."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

Row = dict[str, Any]


def distinct(table: pa.Table, *columns: str) -> set[tuple[Any, ...]]:
    """Return the different values of some columns."""
    return set(zip(*(table[name].to_pylist() for name in columns), strict=True))


class RowsByCycle:
    """Rows of a table by `cycle_id`."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self._positions: dict[str, list[int]] = {}
        for position, cycle in enumerate(table["cycle_id"].to_pylist()):
            self._positions.setdefault(cycle, []).append(position)

    def rows(self, cycles: Iterable[str]) -> list[Row]:
        """Return the rows of some cycles, in the order of the table."""
        found = sorted(position for cycle in cycles for position in self._positions.get(cycle, ()))
        chosen = pa.Array.from_buffers(pa.int64(), len(found), [None, pa.py_buffer(np.array(found, np.int64))])
        rows: list[Row] = self.table.take(chosen).to_pylist()
        return rows
