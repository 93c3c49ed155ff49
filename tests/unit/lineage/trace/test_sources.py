"""Descriptions of the sources of recordings: archives, datasets and folders."""

from types import SimpleNamespace

import pytest

from lineage.trace.recording_nodes import Sources

ARCHIVE = {"name": "a.zip", "sha256": "5" * 64, "bytes": 1}
DATASET = {"name": "o/n", "revision": "2"}


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ({"source": "archive", "archive": ARCHIVE}, "archive a.zip"),
        ({"source": "directory", "archive": None, "dataset": None}, "source directory, no archive"),
        ({"source": "hub", "archive": None, "dataset": DATASET}, "dataset o/n of hub, revision 2"),
        ({"source": "kaggle", "archive": ARCHIVE, "dataset": DATASET}, "dataset o/n of kaggle, revision 2"),
    ],
)
def test_a_source_is_described_by_its_archive_or_dataset(source, what):
    data = SimpleNamespace(corpora={"c": SimpleNamespace(role="training")}, source=lambda _: source)
    assert Sources(data, None).node("c").label == f"corpus c: {what}"
