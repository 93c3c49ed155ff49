"""From predictions to the figures of reports/metrics.json."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import precision_recall_fscore_support

from tasks.evaluation.bootstrap import FIGURES, Bootstrap, Counts, difference, figures, per_patient
from tasks.evaluation.calibration import brier, expected_calibration_error
from tasks.evaluation.predictions import ENSEMBLE

GROUPS = ("device", "chest_location", "age_group", "sex")
ADULT, ELDERLY = 19, 65  # years; 19 is where the published works draw the line


def summarise(
    predictions: pl.DataFrame, recordings: pl.DataFrame, classes: Sequence[str], bootstrap: Bootstrap, bins: int
) -> dict[str, Any]:
    """Return the figures of the student over its seeds, of every single model, and the paired comparisons.

    Args:
        predictions: As in predictions.parquet.
        recordings: As in recordings.parquet.
        classes: Names of the classes; the first is the normal one.
        bootstrap: Resamples of the test patients.
        bins: For the calibration error.
    """
    joined = predictions.join(_with_groups(recordings), on="recording_id", how="left")
    by_model: dict[str, dict[str, pl.DataFrame]] = {}
    for (model, selection), rows in sorted(joined.group_by("model", "selection", maintain_order=True)):
        by_model.setdefault(str(model), {})[str(selection)] = rows
    single = {
        model: {selection: one_model(rows, classes, bootstrap, bins) for selection, rows in selections.items()}
        for model, selections in by_model.items()
    }
    result: dict[str, Any] = {
        "students": {model.removeprefix("student/"): found for model, found in single.items() if "student/" in model},
        "teachers": {model.removeprefix("teacher/"): found for model, found in single.items() if "teacher/" in model},
        "ensemble": single.get(ENSEMBLE),
        "student": {},
        "comparisons": {},
    }
    for selection in sorted({selection for selections in by_model.values() for selection in selections}):
        parts = {
            kind: [rows[selection] for model, rows in by_model.items() if model.startswith(kind)]
            for kind in ("student/", "teacher/", ENSEMBLE)
        }
        counts = {
            kind: np.stack([_counts(rows, len(classes)) for rows in found]) for kind, found in parts.items() if found
        }
        result["student"][selection] = over_seeds(counts["student/"], bootstrap) | {
            "groups": _group_means([group_scores(rows, len(classes)) for rows in parts["student/"]])
        }
        result["comparisons"][selection] = {
            name: difference(bootstrap, counts["student/"], counts[kind])
            for name, kind in (("student_minus_teachers", "teacher/"), ("student_minus_ensemble", ENSEMBLE))
            if kind in counts
        }
    rounded: dict[str, Any] = _rounded(result)
    return rounded


def one_model(rows: pl.DataFrame, classes: Sequence[str], bootstrap: Bootstrap, bins: int) -> dict[str, Any]:
    """Return one model's figures: Scores with intervals, per class, per group, calibration."""
    labels, predicted = rows["label"].to_numpy().astype(np.int64), rows["predicted"].to_numpy().astype(np.int64)
    probabilities = rows.select(f"p_{name}" for name in classes).to_numpy()
    counts = _counts(rows, len(classes))[None]
    point, drawn = figures(counts[0].sum(0)), bootstrap.figures(counts)
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=range(len(classes)), zero_division=0
    )
    return {
        **{name: float(point[name]) for name in FIGURES},
        "interval": {name: list(bootstrap.interval(drawn[name])) for name in FIGURES},
        "classes": {
            name: {
                "recall": 100 * recall[at],
                "precision": 100 * precision[at],
                "f1": 100 * f1[at],
                "cycles": int(support[at]),
            }
            for at, name in enumerate(classes)
        },
        "groups": group_scores(rows, len(classes)),
        "calibration": {
            "ece": expected_calibration_error(probabilities, labels, bins),
            "brier": brier(probabilities, labels),
        },
    }


def over_seeds(counts: Counts, bootstrap: Bootstrap) -> dict[str, Any]:
    """Return mean, standard deviation over seeds (null for one seed) and the interval of the mean over patients."""
    point, drawn = figures(counts.sum(1)), bootstrap.figures(counts)
    result: dict[str, Any] = {"seeds": len(counts)}
    for name in FIGURES:
        low, high = bootstrap.interval(drawn[name])
        sd = float(point[name].std(ddof=1)) if len(counts) > 1 else None
        result[name] = {"mean": float(point[name].mean()), "sd": sd, "low": low, "high": high}
    return result


def group_scores(rows: pl.DataFrame, classes: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return the Scores of each device, chest location, age group and sex; what a group cannot tell is null."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for group in GROUPS:
        result[group] = {}
        for (value,), part in sorted(rows.group_by(group), key=lambda item: str(item[0][0])):
            found = figures(_counts(part, classes).sum(0))
            result[group][str(value) if value is not None else "unknown"] = {
                **{name: float(found[name]) for name in FIGURES},
                "cycles": part.height,
                "patients": part["patient_id"].n_unique(),
            }
    return result


def _counts(rows: pl.DataFrame, classes: int) -> Counts:
    columns = (rows[name].to_numpy().astype(np.int64) for name in ("patient_id", "label", "predicted"))
    patients, labels, predicted = columns
    return per_patient(patients, labels, predicted, classes)


def _group_means(found: Sequence[Mapping[str, Mapping[str, Mapping[str, float]]]]) -> dict[str, Any]:
    """Return the mean over seeds of each group's figures."""
    return {
        group: {
            value: {name: float(np.mean([one[group][value][name] for one in found])) for name in figures_of_value}
            for value, figures_of_value in values.items()
        }
        for group, values in found[0].items()
    }


def _with_groups(recordings: pl.DataFrame) -> pl.DataFrame:
    """Return `recording_id` and the groups that it belongs to."""
    age = pl.col("age")
    group = (
        pl.when(age.is_null()).then(None)
        .when(age < ADULT).then(pl.lit(f"child (under {ADULT})"))
        .when(age < ELDERLY).then(pl.lit(f"adult ({ADULT} to {ELDERLY - 1})"))
        .otherwise(pl.lit(f"elderly ({ELDERLY} and over)"))
    )  # fmt: skip
    return recordings.select("recording_id", "device", "chest_location", group.alias("age_group"), "sex")


def _rounded(value: Any) -> Any:
    """Return nested figures with four decimals, NaN as null."""
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return None if math.isnan(value) else round(float(value), 4)
    return value
