"""Annotations in the trace: their paths (with a suffix, a longer ending, or no file of their own) and their lines."""

from types import SimpleNamespace

import pyarrow as pa
import pytest

from lineage.trace.cycle_nodes import Annotations
from lineage.trace.project_data import ProjectData
from lineage.trace.table_rows import RowsById
from tasks.artifacts import CorpusFolders

RAW = "data/raw/a/audio"
NAMES = ("a_1", "a_10")


@pytest.mark.parametrize(
    ("files", "digest", "path"),
    [
        (["a_1.wav", "a_1.json"], "x", "a_1.json"),
        (["a_1.wav", "a_1_label.txt", "a_10_label.txt"], "x", "a_1_label.txt"),
        (["a_1.wav"], None, "a_1.wav"),  # the name tells the label
        ([], "x", "a_1.txt"),  # without a record
    ],
)
def test_the_annotation_of_a_recording_is_found(files, digest, path):
    data = ProjectData.__new__(ProjectData)
    rows = [
        {"recording_id": name, "annotation_sha256": digest, "recording_sha256": "w", "corpus": "a"} for name in NAMES
    ]
    recordings = RowsById("recording_id", [(pa.Table.from_pylist(rows), None)])
    vars(data).update(
        corpora={"a": CorpusFolders("training", "a")},
        recordings=recordings,
        _files={f"{RAW}/{name}": {"sha256": "w" if name.endswith(".wav") else "t"} for name in files},
    )
    assert data.annotation_of("a_1") == f"{RAW}/{path}"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_line_of_a_cycle_is_read_as_extract_reads_it(tmp_path, encoding, end):
    lines = ["0.0\t1.5\t0\t1", "", "1.5\t2.0\tGröße\x0b\t0", "2.0\t3.0\t1\t1"]
    (tmp_path / "a.txt").write_bytes(end.join(lines).encode(encoding))
    data = SimpleNamespace(
        root=tmp_path,
        cycles={"a_1": {"recording_id": "a", "cycle_index": 1}},
        recordings={"a": {"annotation_sha256": "x"}},
        annotation_of=lambda _: "a.txt",
        lines_are_cycles=lambda _: True,
        exists=lambda _: True,
        subsets={},
    )
    assert Annotations(data, None).node("a_1").facts["text"] == lines[2]
