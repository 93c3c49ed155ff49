"""Comparison of two runs."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineage.corpora import qualified
from lineage.diff import provenance, results
from lineage.diff.changes import Changes, between
from lineage.diff.results import Predictions
from lineage.diff.runs import Run
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.runtime.params import flatten

TABLES = {artifacts.RECORDINGS: "recording_id", artifacts.CYCLES: "cycle_id"}  # tables with their keys
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
        source=between(*_sources(old, new)),
        recordings=_changed_rows(old, new, artifacts.RECORDINGS),
        cycles=_changed_rows(old, new, artifacts.CYCLES),
        code=provenance.code(old, new),
        parameters=provenance.parameters(old, new),
        environment=provenance.environment(old, new),
        stages=provenance.stages(old, new),
        figures=results.figures(old, new),
        predictions=results.predictions(old, new),
        notes=tuple(_notes(old) + _notes(new)),
    )


def _sources(old: Run, new: Run) -> list[dict[str, Any]]:
    """Return the facts of the sources of both runs by dotted key, which begins with the corpus if there are several."""
    several = len({corpus.name for run in (old, new) for corpus in run.corpora}) > 1
    found: list[dict[str, Any]] = []
    for run in (old, new):
        sources = {one.name: run.json((one.raw / artifacts.SOURCE).as_posix()) for one in run.corpora}
        found.append(flatten(sources) if several else flatten(next(iter(sources.values()), {})))
    return found


def _changed_rows(old: Run, new: Run, path: Path) -> Changes | None:
    """Return the rows of a table added, removed and changed, with old and new value of each changed column.

    Returns:
        None if a run has no such table; the samples of cycles are compared by their hash.
    """
    first, second = (_rows(run, path) for run in (old, new))
    if first is None or second is None:
        return None
    found = between(first, second)
    named = {
        name: {HASHED.get(column, column): values for column, values in between(*both).changed.items()}
        for name, both in found.changed.items()
    }
    return Changes(found.added, found.removed, named)


def _rows(run: Run, path: Path) -> dict[str, dict[str, Any]] | None:
    """Return the rows of a table of all corpora by id, with the corpus before the ids of an external one."""
    found: dict[str, dict[str, Any]] = {}
    for table, corpus in _tables(run, path).items():
        rows = run.table(table)
        if rows is None:
            return None
        found |= {
            qualified(corpus, row[TABLES[path]]) if corpus else row[TABLES[path]]: row for row in rows.to_pylist()
        }
    return found


def _tables(run: Run, path: Path) -> dict[str, CorpusFolders | None]:
    """Return the paths of a table: that of all training corpora, and that of each external one with its corpus."""
    external = {(one.tables / path.name).as_posix(): one for one in run.corpora if one.role == "external"}
    return {path.as_posix(): None, **external}


def _notes(run: Run) -> list[str]:
    """Return the limits of the knowledge about a run."""
    found = []
    if not run.records:
        found.append(f"{run.name} has no records: code, parameters and environment of its run are unknown.")
    found += [
        f"{run.name} has no {path}; of a revision, DVC's cache must hold it (`dvc fetch`)."
        for table in TABLES
        for path in _tables(run, table)
        if run.path(path) is None
    ]
    flags = results.degenerate(run)
    found += [f"{run.name}: {model} is degenerate: {flag}." for model, flag in flags.items()]
    dirty = [name for name, record in run.records.items() if (record["git"] or {}).get("dirty")]
    if dirty:
        found.append(f"{run.name}: {len(dirty)} of {len(run.records)} stages ran uncommitted code.")
    return found
