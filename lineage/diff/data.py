"""Differences in source, recordings and cycles between two runs."""

from __future__ import annotations

from lineage.diff.changes import Changes, between
from lineage.diff.runs import Run
from tasks import artifacts
from tasks.runtime.params import flatten

RECORDINGS, CYCLES, SOURCE = (path.as_posix() for path in (artifacts.RECORDINGS, artifacts.CYCLES, artifacts.SOURCE))
# Columns of hashes, and what each hash is of.
HASHED = {"recording_sha256": "audio file", "annotation_sha256": "annotation file", "audio_sha256": "samples"}


def source(old: Run, new: Run) -> Changes:
    """Return the changes of the source: archive, metadata files, missing and excluded recordings."""
    return between(flatten(old.json(SOURCE)), flatten(new.json(SOURCE)))


def rows(old: Run, new: Run, path: str, key: str) -> Changes | None:
    """Return the rows of a table added, removed and changed, with old and new value of each changed column.

    Returns:
        None where a run has no such table; the samples of cycles are compared by their hash.
    """
    tables = [run.table(path) for run in (old, new)]
    first, second = ({row[key]: row for row in table.to_pylist()} if table is not None else None for table in tables)
    if first is None or second is None:
        return None
    found = between(first, second)
    named = {
        name: {HASHED.get(column, column): values for column, values in between(*both).changed.items()}
        for name, both in found.changed.items()
    }
    return Changes(found.added, found.removed, named)
