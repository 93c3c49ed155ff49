"""Names of the sources of recordings: archives, datasets and folders."""

from types import SimpleNamespace

import pytest

from lineage.trace.recording_nodes import Recordings, Sources

ARCHIVE = {"name": "a.zip", "sha256": "5" * 64, "bytes": 1}
DATASET = {"name": "o/n", "revision": "2"}


@pytest.mark.parametrize(
    ("source", "name", "what"),
    [
        ({"source": "archive", "archive": ARCHIVE}, "a.zip", "archive a.zip"),
        ({"source": "directory", "archive": None, "dataset": None}, "directory", "source directory, no archive"),
        ({"source": "hub", "archive": None, "dataset": DATASET}, "o/n", "dataset o/n of hub, revision 2"),
        ({"source": "kaggle", "archive": ARCHIVE, "dataset": DATASET}, "a.zip", "dataset o/n of kaggle, revision 2"),
    ],
)
def test_a_source_is_named_by_its_archive_or_dataset(source, name, what):
    data = SimpleNamespace(source=source, recordings={"r": {"patient_id": "101"}})
    catalogue = SimpleNamespace(sets=lambda: ())
    assert next(iter(Recordings(data, catalogue).before("r"))) == (f"source:{name}", "holds the files")
    assert Sources(data, catalogue).node(name).label == what
