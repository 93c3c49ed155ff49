"""Rows and values of tables, looked up without pandas: Arrow's grouping and arrays would import it, in 0.2 s.

Only the rows and columns that a question needs become Python values; for those of all cycles that takes 0.2 s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from lineage.corpora import qualified

if TYPE_CHECKING:
    import pyarrow as pa

    from tasks.artifacts import CorpusFolders

Row = dict[str, Any]
BLOCK = 1024  # rows that are converted at once: neighbours are often needed together
QUALIFIED = ("cycle_id", "recording_id", "patient_id")  # ids that rows of external corpora have qualified


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
        return [row for position in found for row in self.table.slice(position, 1).to_pylist()]


class RowsById(Mapping[str, Row]):
    """Rows of a table of all corpora by id.

    Args:
        key: Column with the id.
        tables: Tables with their corpus; None for the table of the training corpora.
    """

    def __init__(self, key: str, tables: Iterable[tuple[pa.Table, CorpusFolders | None]]) -> None:
        self._tables = [(table, corpus, self._values(table, corpus, key)) for table, corpus in tables]
        self._places = {
            id_: (number, position)
            for number, (_, _, ids) in enumerate(self._tables)
            for position, id_ in enumerate(ids)
        }
        self._block = cache(self._read_block)
        self._columns: dict[str, dict[str, Any]] = {}

    def __getitem__(self, id_: str) -> Row:
        number, position = self._places[id_]
        return self._block(number, position // BLOCK)[position % BLOCK]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def values_of(self, column: str) -> Mapping[str, Any]:
        """Return the values of a column by id."""
        if column not in self._columns:
            self._columns[column] = {
                id_: value
                for table, corpus, ids in self._tables
                for id_, value in zip(ids, self._values(table, corpus, column), strict=True)
            }
        return self._columns[column]

    def _read_block(self, number: int, block: int) -> list[Row]:
        """Return the rows of a part of a table."""
        table, corpus, _ = self._tables[number]
        rows: list[Row] = table.slice(block * BLOCK, BLOCK).to_pylist()
        if corpus is None:
            return rows
        return [row | {key: qualified(corpus, row[key]) for key in QUALIFIED if key in row} for row in rows]

    @staticmethod
    def _values(table: pa.Table, corpus: CorpusFolders | None, column: str) -> list[Any]:
        values: list[Any] = table[column].to_pylist()
        return [qualified(corpus, value) for value in values] if corpus and column in QUALIFIED else values
