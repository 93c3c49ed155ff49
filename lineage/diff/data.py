"""Differences in source, recordings and cycles between two runs."""

from __future__ import annotations

from lineage.diff.changes import Changes, between
from lineage.diff.runs import Run
from tasks import artifacts
from tasks.runtime.params import flatten

RECORDINGS, CYCLES, SOURCE = (path.as_posix() for path in (artifacts.RECORDINGS, artifacts.CYCLES, artifacts.SOURCE))
# Columns of hashes, and what each hash is of.
HASHED = {"recording_sha256": "audio file", "annotation_sha256": "annotation file", "audio_sha256": "samples"}


def recordings(old: Run, new: Run) -> Changes | None:
    """Return the recordings added, removed and changed, with old and new value of each changed column.

    Returns:
        None where a run has no table of recordings.
    """
    return _rows(old, new, RECORDINGS, "recording_id")


def cycles(old: Run, new: Run) -> Changes | None:
    """Return the cycles added, removed and changed; samples are compared by their hash."""
    return _rows(old, new, CYCLES, "cycle_id")


def source(old: Run, new: Run) -> Changes:
    """Return the changes of the source: archive, metadata files, missing and excluded recordings."""
    return between(flatten(old.json(SOURCE)), flatten(new.json(SOURCE)))


def _rows(old: Run, new: Run, path: str, key: str) -> Changes | None:
    tables = [run.table(path) for run in (old, new)]
    first, second = ({row[key]: row for row in table.to_pylist()} if table is not None else None for table in tables)
    if first is None or second is None:
        return None
    found = between(first, second)
    named = {
        name: {HASHED.get(column, column): values for column, values in between(*rows).changed.items()}
        for name, rows in found.changed.items()
    }
    return Changes(found.added, found.removed, named)
