"""Comparison of two runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lineage.diff import data, provenance, results
from lineage.diff.changes import Changes
from lineage.diff.results import Predictions
from lineage.diff.runs import Run


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Differences between two runs: None where a run has no table of recordings or cycles."""

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
        source=data.source(old, new),
        recordings=data.rows(old, new, data.RECORDINGS, "recording_id"),
        cycles=data.rows(old, new, data.CYCLES, "cycle_id"),
        code=provenance.code(old, new),
        parameters=provenance.parameters(old, new),
        environment=provenance.environment(old, new),
        stages=provenance.stages(old, new),
        figures=results.figures(old, new),
        predictions=results.predictions(old, new),
        notes=tuple(_notes(old) + _notes(new)),
    )


def _notes(run: Run) -> list[str]:
    """Return the limits of the knowledge about a run."""
    found = []
    if not run.records:
        found.append(f"{run.name} has no records: code, parameters and environment of its run are unknown.")
    found += [
        f"{run.name} has no {path}; of a revision, DVC's cache must hold it (`dvc fetch`)."
        for path in (data.RECORDINGS, data.CYCLES)
        if run.path(path) is None
    ]
    dirty = [name for name, record in run.records.items() if (record["git"] or {}).get("dirty")]
    if dirty:
        found.append(f"{run.name}: {len(dirty)} of {len(run.records)} stages ran uncommitted code.")
    return found
