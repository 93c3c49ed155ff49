"""Which recordings and cycles differ between two runs, and in what."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq

from lineage.diff.changes import Changes, between
from lineage.diff.runs import Side
from tasks import artifacts
from tasks.runtime.params import flatten

RECORDINGS, CYCLES, SOURCE = (path.as_posix() for path in (artifacts.RECORDINGS, artifacts.CYCLES, artifacts.SOURCE))
# Told as what they mean; everything else by its column.
MEANING = {"recording_sha256": "audio file", "annotation_sha256": "annotation file", "audio_sha256": "samples"}

Rows = dict[str, dict[str, Any]]


def recordings(old: Side, new: Side) -> Changes | None:
    """Return which recordings were added, removed, and changed, these with old and new value of each column.

    Returns:
        None where a side has no table of recordings.
    """
    return _rows(old, new, RECORDINGS, "recording_id")


def cycles(old: Side, new: Side) -> Changes | None:
    """Return the same of cycles, whose samples are compared by their hash."""
    return _rows(old, new, CYCLES, "cycle_id")


def source(old: Side, new: Side) -> Changes:
    """Return what differs in where the recordings come from: archive, metadata files, what is missing or left out."""
    return between(flatten(old.json(SOURCE)), flatten(new.json(SOURCE)))


def _rows(old: Side, new: Side, path: str, key: str) -> Changes | None:
    first, second = (_table(side, path, key) for side in (old, new))
    if first is None or second is None:
        return None
    found = between(first, second)
    named = {
        name: {MEANING.get(column, column): values for column, values in between(*rows).changed.items()}
        for name, rows in found.changed.items()
    }
    return Changes(found.added, found.removed, named)


def _table(side: Side, path: str, key: str) -> Rows | None:
    file = side.path(path)
    if file is None:
        return None
    with pq.ParquetFile(file) as table:
        return {row[key]: row for row in table.read().to_pylist()}
