"""Comparison of two runs."""

from dataclasses import asdict, dataclass
from typing import Any

from lineage.diff import provenance, results
from lineage.diff.changes import Changes, between
from lineage.diff.results import Predictions
from lineage.diff.runs import Run
from tasks import artifacts
from tasks.runtime.params import flatten

RECORDINGS, CYCLES, SOURCE = (path.as_posix() for path in (artifacts.RECORDINGS, artifacts.CYCLES, artifacts.SOURCE))
# Columns of hashes, and what each hash is of.
HASHED = {"recording_sha256": "audio file", "annotation_sha256": "annotation file", "audio_sha256": "samples"}


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Differences between two runs: None if a run has no table of recordings or cycles."""

    old: tuple[str, str]  # name and location of the first run
    new: tuple[str, str]  # name and location of the second run
    source: Changes
    recordings: Changes | None
    cycles: Changes | None
    code: Changes
    parameters: Changes
    environment: Changes
    stages: Changes
    figures: Changes
    predictions: Predictions | str  # changes of the predictions, or the reason why they cannot be compared
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return asdict(self)


def compare(old: Run, new: Run) -> Comparison:
    """Compare two runs.

    Raises:
        BreathlineError: A file of a run cannot be read.
    """
    return Comparison(
        old=(old.name, old.where),
        new=(new.name, new.where),
        source=between(flatten(old.json(SOURCE)), flatten(new.json(SOURCE))),
        recordings=_rows(old, new, RECORDINGS, "recording_id"),
        cycles=_rows(old, new, CYCLES, "cycle_id"),
        code=provenance.code(old, new),
        parameters=provenance.parameters(old, new),
        environment=provenance.environment(old, new),
        stages=provenance.stages(old, new),
        figures=results.figures(old, new),
        predictions=results.predictions(old, new),
        notes=tuple(_notes(old) + _notes(new)),
    )


def _rows(old: Run, new: Run, path: str, key: str) -> Changes | None:
    """Return the rows of a table added, removed and changed, with old and new value of each changed column.

    Returns:
        None if a run has no such table; the samples of cycles are compared by their hash.
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


def _notes(run: Run) -> list[str]:
    """Return the limits of the knowledge about a run."""
    found = []
    if not run.records:
        found.append(f"{run.name} has no records: code, parameters and environment of its run are unknown.")
    found += [
        f"{run.name} has no {path}; of a revision, DVC's cache must hold it (`dvc fetch`)."
        for path in (RECORDINGS, CYCLES)
        if run.path(path) is None
    ]
    dirty = [name for name, record in run.records.items() if (record["git"] or {}).get("dirty")]
    if dirty:
        found.append(f"{run.name}: {len(dirty)} of {len(run.records)} stages ran uncommitted code.")
    return found
