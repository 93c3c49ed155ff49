"""What differs in what two runs found: their figures, and which predictions flipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lineage.diff.changes import Changes, between
from lineage.diff.runs import Side
from tasks import artifacts
from tasks.runtime.params import flatten

METRICS, PREDICTIONS = artifacts.METRICS.as_posix(), artifacts.PREDICTIONS.as_posix()
MODELS = ("student", "ensemble", "students", "teachers")
FIGURES = ("score_strict", "score_lenient", "sp", "se_strict", "se_lenient", "per_class", "confusion")
COLUMNS = ["model", "selection", "cycle_id", "label", "predicted"]


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A prediction that is another one now; classes by name.

    Attributes:
        model: Such as ``student/1``.
        selection: How its epoch was chosen.
        cycle_id: Of the test cycle.
        label: What was annotated.
        old: The class that was predicted.
        new: The class that is predicted.
        effect: ``mended``, ``broken``, or ``still wrong``.
    """

    model: str
    selection: str
    cycle_id: str
    label: str
    old: str
    new: str
    effect: str


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """How the predictions of two runs compare.

    Attributes:
        compared: Predictions that both have, of one model, selection and cycle.
        only_old: Predictions that only the first has.
        only_new: Predictions that only the second has.
        relabelled: Cycles whose annotated class differs.
        flips: By model, selection and cycle.
    """

    compared: int
    only_old: int
    only_new: int
    relabelled: tuple[str, ...]
    flips: tuple[Flip, ...]


def figures(old: Side, new: Side) -> Changes:
    """Return what differs in scores and, by class, in sensitivity and the like, of each model, by dotted key.

    The student comes first, and scores before classes. Figures of groups of patients and of calibration are left to
    `reports/metrics.json`.
    """
    first, second = (dict(_figures(side.json(METRICS))) for side in (old, new))
    found = between(first, second)
    return replace(found, changed={key: found.changed[key] for key in first if key in found.changed})


def predictions(old: Side, new: Side) -> Predictions | str:
    """Return which predictions flipped; or why the two runs cannot be compared by cycle."""
    metrics = [side.json(METRICS) for side in (old, new)]
    tables = [_table(side) for side in (old, new)]
    for side, table, found in zip((old, new), tables, metrics, strict=True):
        if table is None or not found:
            return f"{side.name} has no predictions."
    classes = [found["classes"] for found in metrics]
    if classes[0] != classes[1]:
        return f"The classes differ: {', '.join(classes[0])} and {', '.join(classes[1])}."
    first, second = (_rows(table) for table in tables if table is not None)
    shared = sorted(set(first) & set(second))
    return Predictions(
        compared=len(shared),
        only_old=len(first) - len(shared),
        only_new=len(second) - len(shared),
        relabelled=tuple(sorted({key[2] for key in shared if first[key][0] != second[key][0]})),
        flips=tuple(
            _flip(key, first[key], second[key], classes[0]) for key in shared if first[key][1] != second[key][1]
        ),
    )


def _figures(metrics: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the figures by key; those of the student have no level of its name, for it is one."""
    found: list[tuple[str, Any]] = []
    for model in MODELS:
        for path, figures in _leaves(metrics.get(model) or {}, model):
            for name in FIGURES:
                if name in figures:
                    found += flatten(figures[name], f"{path}.{name}").items()
    return found


def _leaves(value: Mapping[str, Any], path: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the mappings that hold scores, below names and selections."""
    if "score_strict" in value:
        return [(path, value)]
    return [leaf for key, inner in value.items() for leaf in _leaves(inner, f"{path}.{key}")]


def _flip(key: tuple[str, str, str], old: tuple[int, int], new: tuple[int, int], classes: list[str]) -> Flip:
    label, before, after = new[0], old[1], new[1]
    effect = "mended" if after == label else "broken" if before == old[0] else "still wrong"
    names = {"label": classes[label], "old": classes[before], "new": classes[after]}
    return Flip(model=key[0], selection=key[1], cycle_id=key[2], effect=effect, **names)


def _table(side: Side) -> pa.Table | None:
    path = side.path(PREDICTIONS)
    if path is None:
        return None
    with pq.ParquetFile(path) as file:
        return file.read(COLUMNS)


def _rows(table: pa.Table) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return label and prediction by model, selection and cycle."""
    columns = [table[name].to_pylist() for name in COLUMNS]
    return {(model, kind, cycle): (label, said) for model, kind, cycle, label, said in zip(*columns, strict=True)}
