"""Rows of the tables of all corpora, of which only the needed parts become Python values."""

import pyarrow as pa

from lineage.trace.table_rows import BLOCK, RowsById
from tasks.artifacts import CorpusFolders

HOSPITAL = CorpusFolders("external", "hospital")


def row(number, **more):
    return {"cycle_id": f"c{number:05}", "patient_id": str(number // 8), "start_s": number / 2, **more}


def test_rows_are_those_of_the_tables_with_qualified_ids_of_external_corpora():
    own, other = [row(number) for number in range(2 * BLOCK + 3)], [row(0, start_s=7.0)]
    rows = RowsById("cycle_id", [(pa.Table.from_pylist(own), None), (pa.Table.from_pylist(other), HOSPITAL)])
    qualified = {"cycle_id": "hospital:c00000", "patient_id": "hospital:0", "start_s": 7.0}
    assert [*rows.values()] == [*own, qualified]
    assert rows.values_of("patient_id") == {one["cycle_id"]: one["patient_id"] for one in [*own, qualified]}
    assert "c00000" in rows
    assert "hospital:c00001" not in rows


def test_a_row_converts_no_more_than_its_block(monkeypatch):
    read = []
    of_block = RowsById._read_block
    monkeypatch.setattr(RowsById, "_read_block", lambda self, *place: read.append(place) or of_block(self, *place))
    rows = RowsById("cycle_id", [(pa.Table.from_pylist([row(number) for number in range(3 * BLOCK)]), None)])
    assert rows[f"c{BLOCK + 1:05}"] == row(BLOCK + 1)
    assert rows[f"c{2 * BLOCK - 1:05}"] == row(2 * BLOCK - 1)
    assert read == [(0, 1)]
