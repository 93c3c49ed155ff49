"""The whole difference between two runs, and the few words that sum it up."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lineage.diff import data, provenance, results
from lineage.diff.changes import Changes
from lineage.diff.results import Predictions
from lineage.diff.runs import Side


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What differs between two runs.

    Attributes:
        old: The first, as it was called, and where it is.
        new: The second.
        recordings: None where a side has no table of them; so with cycles.
        predictions: Or why they cannot be compared.
        notes: What must be known to read the rest.
    """

    old: tuple[str, str]
    new: tuple[str, str]
    source: Changes
    recordings: Changes | None
    cycles: Changes | None
    code: Changes
    parameters: Changes
    environment: Changes
    stages: Changes
    figures: Changes
    predictions: Predictions | str
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        return asdict(self)


def compare(old: Side, new: Side) -> Comparison:
    """Return what differs from one side to the other.

    Raises:
        BreathlineError: A side's files cannot be read.
    """
    return Comparison(
        old=(old.name, old.where),
        new=(new.name, new.where),
        source=data.source(old, new),
        recordings=data.recordings(old, new),
        cycles=data.cycles(old, new),
        code=provenance.code(old, new),
        parameters=provenance.parameters(old, new),
        environment=provenance.environment(old, new),
        stages=provenance.stages(old, new),
        figures=results.figures(old, new),
        predictions=results.predictions(old, new),
        notes=tuple(_notes(old) + _notes(new)),
    )


def _notes(side: Side) -> list[str]:
    """Return what is not known of a side."""
    found = []
    if not side.records:
        found.append(f"{side.name} has no records: code, parameters and environment of its run are not known.")
    found += [
        f"{side.name} has no {path}; of a revision, DVC's cache must hold it (`dvc fetch`)."
        for path in (data.RECORDINGS, data.CYCLES)
        if side.path(path) is None
    ]
    dirty = [name for name, record in side.records.items() if (record["git"] or {}).get("dirty")]
    if dirty:
        found.append(f"{side.name}: {len(dirty)} of {len(side.records)} stages ran code that was not committed.")
    return found
