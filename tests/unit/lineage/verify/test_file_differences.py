"""Descriptions of the differences between two versions of a file."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from safetensors.numpy import save_file

from lineage.verify.file_differences import difference


@pytest.fixture
def pair(tmp_path):
    """Return a function that writes two versions of a file and describes their differences."""

    def written(name, write, old, new):
        write(tmp_path / name, old)
        (tmp_path / name).rename(tmp_path / "cached")
        write(tmp_path / name, new)
        return difference(tmp_path / "cached", tmp_path / name)

    return written


def table(path, rows):
    write_parquet(path, pa.Table.from_pylist(rows))


def write_parquet(path, written):
    pq.write_table(written, path)


def test_a_value_of_a_table_by_column_and_cycle(pair):
    rows = [{"model": "student/1", "cycle_id": f"c{number}", "p": 0.5} for number in range(6)]
    changed = [row | {"p": 0.25} if row["cycle_id"] in ("c3", "c5") else row for row in rows]
    assert pair("p.parquet", table, rows, changed) == "p of student/1 c3: 0.5 → 0.25; p of student/1 c5: 0.5 → 0.25"
    assert pair("p.parquet", table, rows, rows[:5]) == "5 rows instead of 6"
    assert pair("p.parquet", table, rows, [row | {"q": 1} for row in rows]) == "columns q"


def test_a_cell_that_another_writer_changed_is_named_by_its_cycle(pair):
    labels = [{"cycle_id": f"c{number}", "label": label} for number, label in enumerate((1, 0, 2))]
    old = pa.Table.from_pylist(labels, pa.schema({"cycle_id": pa.string(), "label": pa.int8()}))
    other = pa.schema({"cycle_id": pa.large_string(), "label": pa.int64()})
    new = pa.Table.from_pylist([labels[0], labels[1] | {"label": 3}, labels[2]], other)
    types = (
        "another program wrote the table: cycle_id is large_string instead of string, label is int64 instead of int8"
    )
    assert pair("a.parquet", write_parquet, old, new) == f"label of c1: 0 → 3; {types}"
    assert pair("a.parquet", write_parquet, old, old.cast(other)) == types
    texts = pa.table({"cycle_id": ["c0", "c1", "c2"], "label": ["1", "0", "x"]})
    told = pair("a.parquet", write_parquet, old, texts)
    assert told.startswith("label of c0: 1 → '1'; label of c1: 0 → '0'; label of c2: 2 → x; and more")


def test_values_that_look_alike_are_told_apart(pair):
    def rows(**columns):
        return pa.table({"cycle_id": ["a", "b"], **columns})

    nan, long = float("nan"), [0.125] * 40
    told = pair("a.parquet", write_parquet, rows(p=[nan, 1.0]), rows(p=[nan, 2.0]))
    assert told == "p of b: 1.0 → 2.0"
    told = pair("a.parquet", write_parquet, rows(p=[long, long]), rows(p=[long, [*long[:-1], 0.5]]))
    assert told == "p[39] of b: 0.125 → 0.5"
    assert pair("a.parquet", write_parquet, rows(p=[[1], [2]]), rows(p=[[1], [2, 3]])) == "p of b: 1 values → 2 values"
    text = "x" * 80
    told = pair("a.parquet", write_parquet, rows(p=["", f"{text}1{text}"]), rows(p=["", f"{text}2{text}"]))
    one, _, other = told.removeprefix("p of b: ").partition(" → ")
    assert one != other
    assert ("1x" in one, "2x" in other) == (True, True)


def test_rows_in_another_order_are_compared_by_their_cycle(pair):
    old = pa.table({"cycle_id": ["a", "b", "c"], "p": [1, 2, 3]})
    swapped = "the rows are in another order, from row 1 on (c)"
    assert pair("a.parquet", write_parquet, old, old.take([0, 2, 1])) == swapped
    new = pa.table({"cycle_id": ["a", "c", "b"], "p": [1, 3, 4]})
    assert pair("a.parquet", write_parquet, old, new) == f"{swapped}; p of b: 2 → 4"
    renamed = pa.table({"cycle_id": ["a", "c", "d"], "p": [1, 2, 3]})
    assert pair("a.parquet", write_parquet, old, renamed) == "cycle_id of b: b → c; cycle_id of c: c → d"


def test_a_row_of_features_by_cycle(pair, tmp_path):
    table(tmp_path / "index.parquet", [{"cycle_id": name, "row": row} for row, name in enumerate("abc")])
    old = np.arange(12, dtype=np.float16).reshape(3, 2, 2)
    new = old.copy()
    new[1, 0, 0] = np.nan
    assert pair("features.npy", np.save, old, new) == "row 1 (b), 1 values"
    assert pair("features.npy", np.save, old, old[:2]) == "float16(2, 2, 2) instead of float16(3, 2, 2)"


def test_a_tensor_by_name(pair):
    def write(path, tensors):
        save_file(tensors, path)

    old = {"head.weight": np.zeros((2, 3), np.float32), "norm": np.ones(4, np.float32)}
    new = {"head.weight": np.eye(2, 3, dtype=np.float32), "bias": np.ones(1, np.float32)}
    told = pair("val.safetensors", write, old, new)
    assert told == "tensor bias is new; tensor head.weight [2, 3]; tensor norm is missing"


def test_a_frame_of_a_recording_and_its_header(pair):
    def write(path, samples):
        soundfile.write(path, samples, 4000, subtype="PCM_16", format="WAV")

    old = np.linspace(-0.5, 0.5, 4000)
    new = old.copy()
    new[2000] += 0.1
    assert pair("a.wav", write, old, new) == "1 frames differ, the first is 2000 (0.500 s)"
    assert pair("a.wav", write, old, old[:100]) == "100 frames at 4000 Hz instead of 4000 at 4000 Hz"


def test_keys_lines_and_bytes(pair):
    def write(path, value):
        path.write_text(value if isinstance(value, str) else json.dumps(value))

    assert pair("m.json", write, {"a": {"b": 1, "c": [1, 2]}}, {"a": {"b": 2, "c": [1, 2]}}) == "a.b: 1 → 2"
    assert pair("m.json", write, {"a": None}, {"b": 1}) == "a: nothing → absent; b: absent → 1"
    assert pair("m.json", write, {"a": 1}, {"a": "1"}) == "a: 1 → '1'"
    assert pair("m.json", write, {"a": 1}, {"a": 1.0}) == "a: 1 → 1.0"
    assert pair("m.json", write, {"a": 1}, "{") == "1 bytes instead of 8"
    assert pair("a.txt", write, "0\t1\n2\t3\n", "0\t1\n2\t4\n") == "line 2: 2 3 → 2 4"
    assert pair("a.txt", write, "a\tb\n", "a b\n") == "line 1: 'a\\tb' → 'a b'"
    assert pair("a.csv", write, "1\n2\n3\n4\n5\n", "2\n3\n4\n5\n6\n").endswith("line 3: 3 → 4; and more")
    assert pair("page.html", write, "<p>1</p>", "<p>2</p>") == "1 bytes differ, the first at 3"
