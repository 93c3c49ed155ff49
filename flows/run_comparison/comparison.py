"""Comparison of several runs with the first one: paired differences of Scores, of classes and of groups."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from flows.leaderboards.differences import Students, degenerate
from flows.run_comparison.sources import Source, read, titles
from lineage.diff.changes import Changes, between
from models.metrics import SCORES, figures
from tasks import artifacts
from tasks.evaluation import cycles, intervals
from tasks.evaluation.intervals import Networks
from tasks.evaluation.rounding import rounded
from tasks.evaluation.words import figure
from tasks.runtime import corpus_facts
from tasks.runtime.words import counted

SELECTION = "val"
ROUNDING = 0.011  # largest difference of two figures that are rounded to two decimals

Difference = Mapping[str, float | None]  # `difference`, `low`, `high`; with several seeds `low_seeds`, `high_seeds`


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One run beside the first one.

    Attributes:
        source: Results of the run.
        reference: Parameters of the first run.
        changed: Parameters that differ from those of the first run; None if one of them has no params.yaml.
        unpaired: Reason why there are no paired differences; empty if there are.
        scores: Difference of each Score.
        classes: Difference of the recall of each class.
        groups: Difference of each Score by title of the group column, and by its value.
        degenerate: Kinds of the degenerate networks of both runs; empty if none is degenerate.
        degenerate_groups: The same on the cycles of each group where a network is degenerate, by title and value.
    """

    source: Source
    reference: Mapping[str, Any] | None
    changed: Changes | None
    unpaired: str = ""
    scores: Mapping[str, Difference] = field(default_factory=dict)
    classes: Mapping[str, Difference] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, Mapping[str, Difference]]] = field(default_factory=dict)
    degenerate: str = ""
    degenerate_groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the run with its differences as JSON values."""
        return {
            "name": self.source.name,
            "title": self.source.title,
            "metrics": self.source.metrics,
            "unpaired": self.unpaired or None,
            "changed": None if self.changed is None else asdict(self.changed),
            "scores": self.scores,
            "classes": self.classes,
            "groups": self.groups,
            "degenerate": self.degenerate or None,
            "degenerate_groups": self.degenerate_groups,
        }


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Runs side by side; the differences of the others are from the first one."""

    first: Source
    others: tuple[Compared, ...]

    @property
    def sources(self) -> tuple[Source, ...]:
        """All runs, the first one first."""
        return (self.first, *(one.source for one in self.others))

    @property
    def confidence(self) -> float:
        """Confidence of the intervals, such as 0.95."""
        return float(self.first.metrics["interval"]["confidence"])

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        first = {"name": self.first.name, "title": self.first.title, "metrics": self.first.metrics}
        others = [one.as_json() for one in self.others]
        return {"selection": SELECTION, "confidence": self.confidence, "first": first, "others": others}


def compare(root: Path, names: Sequence[str]) -> Comparison:
    """Compare runs with the current results of a project.

    Args:
        root: Folder of the project.
        names: Names of the other runs (`sources.read`), each once.

    Raises:
        BreathlineError: A run does not exist, has not been evaluated, or has a damaged file.
    """
    every = [".", *names]
    runs = [read(root, name, title) for name, title in zip(every, titles(every), strict=True)]
    confidence = float(runs[0].metrics["interval"]["confidence"])
    first, *others = (_recomputed(run, confidence) for run in runs)
    parts = _groups(root, first)
    return Comparison(first=first, others=tuple(_compared(first, other, parts) for other in others))


def _recomputed(source: Source, confidence: float) -> Source:
    """Return a run with the intervals and the degenerate networks that its predictions give, if it has them.

    The figures of an older revision may have other intervals than those of the project. Figures of other predictions
    get a remark.
    """
    if source.predictions.is_empty():
        return source
    students, found = Students.from_predictions(source.predictions, SELECTION), source.metrics["student"][SELECTION]
    found = found | {name: found[name] | limits for name, limits in students.limits(confidence).items()}
    student = source.metrics["student"] | {SELECTION: found | {"degenerate": students.degenerate}}
    return replace(source, metrics={**source.metrics, "student": student}, mismatch=_mismatch(students, found))


def _mismatch(students: Students, found: Mapping[str, Any]) -> str:
    """Return the first Score of the figures that the predictions do not give, in words; empty if they give all.

    Args:
        students: Networks of the run, with their predictions.
        found: Figures of the students in ``reports/metrics.json``.
    """
    for name, values in figures(students.matrices.sum(axis=1)).items():
        if name in SCORES:
            written, given = found[name]["mean"], rounded(values.mean())
            if written != given and (written is None or given is None or abs(written - given) > ROUNDING):
                return f"{name} is {figure(written)} in reports/metrics.json, and {figure(given)} by the predictions"
    return ""


def _compared(first: Source, other: Source, parts: Mapping[str, Mapping[str, Sequence[str]]]) -> Compared:
    """Return a run beside the first one.

    Args:
        first: The first run.
        other: The other run.
        parts: Ids of the test cycles by title of the group column, and by its value.
    """
    known = first.parameters is not None and other.parameters is not None
    changed = between(first.parameters or {}, other.parameters or {}) if known else None
    if reason := unpaired(first, other):
        return Compared(source=other, reference=first.parameters, changed=changed, unpaired=reason)
    confidence, names = float(first.metrics["interval"]["confidence"]), (other.title, first.title)
    sides = _students(other.predictions), _students(first.predictions)
    one, reference = _networks(sides[0]), _networks(sides[1])
    groups: dict[str, dict[str, dict[str, Difference]]] = {title: {} for title in parts}
    flags: dict[str, dict[str, str]] = {}
    for title, values in parts.items():
        for value, ids in values.items():
            own = _students(other.predictions, ids), _students(first.predictions, ids)
            groups[title][value] = _scores(_networks(own[0]), _networks(own[1]), confidence)
            if flag := degenerate(names, own):
                flags.setdefault(title, {})[value] = flag
    return Compared(
        source=other,
        reference=first.parameters,
        changed=changed,
        scores=_scores(one, reference, confidence),
        classes={
            name: _rounded(intervals.recall_difference(_first(one, place), _first(reference, place), confidence))
            for place, name in enumerate(first.metrics["classes"])
        },
        groups=groups,
        degenerate=degenerate(names, sides),
        degenerate_groups=flags,
    )


def unpaired(first: Source, other: Source) -> str:
    """Return the reason why two runs cannot be compared cycle by cycle; empty if they can."""
    for source in (first, other):
        if source.predictions.is_empty():
            return f"the predictions of `{source.name}` are not in DVC's cache (`dvc fetch --all-commits`)"
    if first.metrics["classes"] != other.metrics["classes"]:
        names = (", ".join(source.metrics["classes"]) for source in (first, other))
        return "the classes differ: {} here, {} there".format(*names)
    one, two = (_labels(source) for source in (first, other))
    if one.keys() != two.keys():
        shared = len(one.keys() & two.keys())
        return f"the test sets differ: {counted(len(one), 'cycle')} here, {len(two):,} there, {shared:,} in both"
    if relabelled := sum(one[cycle] != two[cycle] for cycle in one):
        return f"{counted(relabelled, 'test cycle')} have another label or patient"
    keys = ["model", "cycle_id"]
    chosen = (source.predictions.filter(pl.col("selection") == SELECTION) for source in (first, other))
    here, there = (rows.select(*keys, "predicted").sort(keys) for rows in chosen)
    return "all predictions are equal" if here.equals(there) else ""


def _labels(source: Source) -> dict[str, tuple[int, str]]:
    """Return label and patient of each test cycle."""
    rows = source.predictions.unique("cycle_id").select("cycle_id", "label", "patient_id")
    return {cycle: (label, patient) for cycle, label, patient in rows.iter_rows()}


def _groups(root: Path, first: Source) -> dict[str, dict[str, list[str]]]:
    """Return the ids of the test cycles by title of the group column, and by its value."""
    if first.predictions.is_empty():
        return {}
    columns = corpus_facts.read(root / artifacts.POOL).group_columns
    table = cycles.read(
        root / artifacts.CYCLES,
        root / artifacts.RECORDINGS,
        ids=first.predictions["cycle_id"].unique().to_list(),
        labels=first.metrics["labels"],
        groups=[group.column for group in columns],
    )
    return {
        group.title: {
            group.values.get(value, value): table.filter(pl.col(group.column) == value)["cycle_id"].to_list()
            for value in sorted(table[group.column].unique())
        }
        for group in columns
    }


def _students(predictions: pl.DataFrame, ids: Sequence[str] | None = None) -> Students:
    """Return the students' networks on all test cycles, or on some."""
    rows = predictions if ids is None else predictions.filter(pl.col("cycle_id").is_in(list(ids)))
    return Students.from_predictions(rows, SELECTION)


def _networks(students: Students) -> Networks:
    """Return the confusion matrices of each patient, those of each seed apart."""
    return Networks(students.matrices, seeds=True)


def _first(networks: Networks, place: int) -> Networks:
    """Return the networks with one class before the others."""
    order = np.argsort(np.arange(networks.matrices.shape[-1]) != place, kind="stable")
    return Networks(networks.matrices[..., order, :][..., order], seeds=networks.seeds)


def _scores(one: Networks, reference: Networks, confidence: float) -> dict[str, Difference]:
    found = intervals.difference(one, reference, confidence)
    return {name: _rounded(found[name]) for name in SCORES}


def _rounded(limits: Mapping[str, Any]) -> Difference:
    return {name: rounded(value) for name, value in limits.items()}
