"""Content hashes and descriptions of files and folders."""

import hashlib
import subprocess
import sys
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from safetensors.numpy import save_file

from lineage import content, files
from lineage.content import content_hash

TABLE = pa.table(
    {
        "cycle_id": ["a", "b", None, "ä"],
        "n": pa.array([1, None, 3, 4], pa.int8()),
        "x": [0.5, float("nan"), None, -0.0],
        "ok": [True, None, False, True],
        "samples": pa.array([[1.0, 2.0], [], None, [3.0]], pa.list_(pa.float32())),
        "soft": pa.array([[[0.1, 0.9]], [[0.2]], [[], [0.3]], None], pa.list_(pa.list_(pa.float32()))),
    }
)


def written(folder, table, **options):
    path = folder / "table.parquet"
    pq.write_table(table, path, **options)
    return content_hash(path)


def test_the_hash_of_a_table_ignores_compression_and_row_groups(tmp_path):
    first = written(tmp_path, TABLE, compression="zstd")
    assert written(tmp_path, TABLE, compression="none", row_group_size=1, use_dictionary=False) == first
    assert written(tmp_path, pa.concat_tables([TABLE[:1], TABLE[1:]]), version="1.0", data_page_size=64) == first


def test_parts_of_a_table_do_not_stay_in_memory(tmp_path, monkeypatch):
    """Waveforms of 100 h once took 9 GB: all row groups that had been read stayed until the end."""
    rows, count = 1 << 15, 128  # row groups of 256 KiB, 32 MiB in all
    table = pa.table({"samples": np.arange(rows * count, dtype=np.float64)})
    plain = {"compression": "none", "use_dictionary": False}
    pq.write_table(table, tmp_path / "table.parquet", row_group_size=rows, **plain)
    held, before = [], pa.total_allocated_bytes()
    monkeypatch.setattr(content, "CHUNK", 8 * rows)
    monkeypatch.setattr(content._Column, "add", lambda *_: held.append(pa.total_allocated_bytes() - before))
    content_hash(tmp_path / "table.parquet")
    assert len(held) >= count
    # Three batches (one is read, one is hashed, one is not yet released), their pages, and the buffer of the file.
    assert max(held) < 4 << 20


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("cycle_id", ["a", "b", "", "ä"]),  # an empty text is not a missing one
        ("cycle_id", ["ab", "", None, "ä"]),  # where one text ends and the next begins
        ("n", pa.array([1, 0, 3, 4], pa.int8())),
        ("n", pa.array([1, None, 3, 4], pa.int16())),
        ("x", [0.5, float("nan"), None, 0.0]),
        ("ok", [True, False, False, True]),
        ("samples", pa.array([[1.0], [2.0], None, [3.0]], pa.list_(pa.float32()))),
        ("samples", pa.array([[1.0, 2.0], None, [], [3.0]], pa.list_(pa.float32()))),
        ("soft", pa.array([[[0.1], [0.9]], [[0.2]], [[], [0.3]], None], pa.list_(pa.list_(pa.float32())))),
    ],
)
def test_another_value_changes_the_hash(tmp_path, column, values):
    changed = TABLE.set_column(TABLE.schema.names.index(column), column, pa.array(values))
    assert written(tmp_path, changed) != written(tmp_path, TABLE)


def test_order_and_names_change_the_hash(tmp_path):
    first = written(tmp_path, TABLE)
    assert written(tmp_path, TABLE.take([1, 0, 2, 3])) != first
    assert written(tmp_path, TABLE.select(TABLE.schema.names[::-1])) != first
    assert written(tmp_path, TABLE.rename_columns(["id", *TABLE.schema.names[1:]])) != first


@pytest.mark.slow
@given(rows=st.lists(st.one_of(st.none(), st.text(max_size=3)), max_size=20), cut=st.integers(0, 20))
def test_the_cut_into_chunks_does_not_change_the_hash(tmp_path_factory, rows, cut):
    folder = tmp_path_factory.mktemp("cut", numbered=True)
    table = pa.table({"a": pa.array(rows, pa.string())})
    cut_up = pa.concat_tables([table[:cut], table[cut:]])
    assert written(folder, cut_up, row_group_size=3) == written(folder, table)


def test_arrays_and_tensors(tmp_path):
    path, values = tmp_path / "a.npy", np.arange(24, dtype=np.float16).reshape(2, 3, 4)
    np.save(path, values)
    first = content_hash(path)
    np.save(path, np.asfortranarray(values))
    assert content_hash(path) == first
    changed = values.copy()
    changed[1, 2, 3] += 1
    np.save(path, changed)
    assert content_hash(path) != first
    np.save(path, values.reshape(3, 2, 4))
    assert content_hash(path) != first

    path = tmp_path / "m.safetensors"
    save_file({"w": values, "b": values[0]}, path, metadata={"made": "today"})
    first = content_hash(path)
    save_file({"b": values[0], "w": values}, path)
    assert content_hash(path) == first
    save_file({"b": values[0], "w": changed}, path)
    assert content_hash(path) != first
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match="ends before"):
        content_hash(path)
    (tmp_path / "m.json").write_text("{}")
    assert content_hash(tmp_path / "m.json") is None


def test_nulls_do_not_import_pandas(tmp_path):
    pq.write_table(TABLE, tmp_path / "table.parquet")
    code = (
        "import sys; from pathlib import Path; from lineage.content import content_hash;"
        "content_hash(Path(sys.argv[1])); print('pandas' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "table.parquet")]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "data/a/b").mkdir(parents=True)
    (tmp_path / "data/a/.gitignore").write_text("/b\n")
    (tmp_path / "data/a/b/x.json").write_text("{}")
    np.save(tmp_path / "data/a/y.npy", np.arange(3))
    return tmp_path


def test_a_folder_is_described_with_its_files(root):
    folder, inner, single = files.describe(root, ["data/a", "data/a/b", "data/a/y.npy"])
    assert [file["path"] for file in folder["files"]] == ["data/a/b/x.json", "data/a/y.npy"]
    assert inner["files"] == folder["files"][:1]
    assert single == folder["files"][1]
    assert folder["bytes"] == 2 + single["bytes"]
    digests = [hashlib.sha256((root / file["path"]).read_bytes()).hexdigest() for file in folder["files"]]
    assert [file["sha256"] for file in folder["files"]] == digests
    assert folder["sha256"] == hashlib.sha256(f"{digests[0]}  b/x.json\n{digests[1]}  y.npy\n".encode()).hexdigest()


def test_a_known_content_hash_is_not_computed_again(root):
    (told,) = files.describe(root, ["data/a/y.npy"])
    (again,) = files.describe(root, ["data/a/y.npy"], {told["sha256"]: {"content": "known"}})
    assert again == told | {"content": "known"}


def test_a_missing_path_is_an_error(root):
    with pytest.raises(FileNotFoundError, match="gone"):
        files.describe(root, ["data/a", "data/gone"])
