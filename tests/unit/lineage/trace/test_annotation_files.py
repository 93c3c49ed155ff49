"""Paths of annotations in the trace: with a suffix, with a longer ending, and without a file of their own."""

import pyarrow as pa
import pytest

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
