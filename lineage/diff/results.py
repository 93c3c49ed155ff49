"""Differences in metrics and predictions between two runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from lineage.diff.changes import Changes, between
from lineage.diff.runs import Run
from models.metrics import FIGURES
from tasks import artifacts
from tasks.runtime.params import flatten

METRICS, PREDICTIONS = artifacts.METRICS.as_posix(), artifacts.PREDICTIONS.as_posix()
MODELS = ("student", "ensemble", "students", "teachers")
COMPARED = (*FIGURES, "per_class", "confusion")
COLUMNS = ["model", "selection", "cycle_id", "label", "predicted"]


@dataclass(frozen=True, kw_only=True)
class Flip:
    """Prediction whose class differs between two runs; classes are given by name."""

    model: str  # name of the model, such as `student/1`
    selection: str  # selection of the model's epoch
    cycle_id: str
    label: str
    old: str  # class that the first run predicts
    new: str  # class that the second run predicts
    effect: str  # `mended`, `broken`, or `still wrong`


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Differences between the predictions of two runs."""

    compared: int  # number of predictions, by model, selection and cycle, that both runs have
    only_old: int  # number of predictions that only the first run has
    only_new: int  # number of predictions that only the second run has
    relabelled: tuple[str, ...]  # cycles whose annotated class differs
    flips: tuple[Flip, ...]  # predictions whose class differs, by model, selection and cycle


def figures(old: Run, new: Run) -> Changes:
    """Return the changes of each model's scores and per-class figures, by dotted key.

    The student precedes the other models, and scores precede figures of classes. Figures of patient groups and of
    calibration are not compared.
    """
    first, second = (_figures(run.json(METRICS)) for run in (old, new))
    found = between(first, second)
    return replace(found, changed={key: found.changed[key] for key in first if key in found.changed})


def predictions(old: Run, new: Run) -> Predictions | str:
    """Return the flipped predictions, or the reason why the runs cannot be compared by cycle."""
    metrics = [run.json(METRICS) for run in (old, new)]
    tables = [run.table(PREDICTIONS, COLUMNS) for run in (old, new)]
    for run, table, found in zip((old, new), tables, metrics, strict=True):
        if table is None or not found:
            return f"{run.name} has no predictions."
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


def _figures(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the compared figures of all models by dotted key."""
    found: dict[str, Any] = {}
    for model in MODELS:
        for path, figures in _leaves(metrics.get(model) or {}, model):
            for name in COMPARED:
                if name in figures:
                    found |= flatten(figures[name], f"{path}.{name}")
    return found


def _leaves(value: Mapping[str, Any], path: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the mappings that hold scores, with their dotted keys."""
    if "score_strict" in value:
        return [(path, value)]
    return [leaf for key, inner in value.items() for leaf in _leaves(inner, f"{path}.{key}")]


def _flip(key: tuple[str, str, str], old: tuple[int, int], new: tuple[int, int], classes: list[str]) -> Flip:
    label, before, after = new[0], old[1], new[1]
    effect = "mended" if after == label else "broken" if before == old[0] else "still wrong"
    names = {"label": classes[label], "old": classes[before], "new": classes[after]}
    return Flip(model=key[0], selection=key[1], cycle_id=key[2], effect=effect, **names)


def _rows(table: pa.Table) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return label and predicted class by model, selection and cycle."""
    columns = [table[name].to_pylist() for name in COLUMNS]
    return {(model, kind, cycle): (label, said) for model, kind, cycle, label, said in zip(*columns, strict=True)}
