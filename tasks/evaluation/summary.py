"""All figures of the evaluation as one plain mapping: what ``reports/metrics.json`` holds.

Scores, Sp, Se, recall, precision and F1 are in percent with two decimals; areas, ECE (0 to 1) and Brier score (0 to 2)
have four. What is not defined, for want of cycles or patients, is null.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.evaluation import bootstrap, calibration, curves
from tasks.evaluation.cycles import GROUPS
from tasks.evaluation.predictions import Predictions, pool


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """The bootstrap over patients, and the bins of the calibration."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    confidence: float
    resamples: int
    seed: int
    calibration_bins: int


class Judge:
    """Judges models on the same test cycles, with the same resamples of their patients.

    Args:
        cycles: The test cycles (`tasks.evaluation.cycles`).
        classes: The names of the classes, the normal one first.
        settings: Of bootstrap and calibration.
    """

    def __init__(self, cycles: pl.DataFrame, classes: Sequence[str], settings: EvaluationSettings) -> None:
        self.cycles, self.classes, self.settings = cycles, classes, settings
        self.labels: npt.NDArray[np.int64] = cycles["label"].to_numpy().astype(np.int64)
        people, self.patients = np.unique(cycles["patient_id"].to_numpy(), return_inverse=True)
        self.size = len(people)
        self.weights = bootstrap.draw(self.size, resamples=settings.resamples, seed=settings.seed)

    def counts(self, model: Predictions, among: npt.NDArray[np.bool_] | None = None) -> bootstrap.Counts:
        """Return the confusion matrix of each patient, of all cycles or of those `among`."""
        rows = np.ones(len(self.labels), dtype=bool) if among is None else among
        return bootstrap.counts(
            self.labels[rows],
            model.predicted[:, rows],
            self.patients[rows],
            size=self.size,
            classes=len(self.classes),
        )

    def judge(self, model: Predictions) -> dict[str, Any]:
        """Return all figures of a model; of several runs, their means."""
        matrices = self.counts(model)
        return {
            **self._figures(matrices),
            "calibration": self._calibration(model),
            "confusion": matrices.sum(axis=0).tolist(),
            "groups": {group: self._group(model, group) for group in GROUPS},
            "per_class": self._classes(model, matrices.sum(axis=0)),
        }

    def seeds(self, parts: Sequence[Predictions]) -> dict[str, Any]:
        """Return what `judge` does of all seeds together, the figures as ``{mean, sd, low, high}`` over the seeds."""
        judged = self.judge(pool("student", parts))
        single = [bootstrap.figures(self.counts(part).sum(axis=0)) for part in parts]
        low, high = judged.pop("low"), judged.pop("high")
        spread = {
            name: {
                "mean": judged[name],
                "sd": rounded(np.std([one[name] for one in single], ddof=1)) if len(single) > 1 else None,
                "low": low[name],
                "high": high[name],
            }
            for name in bootstrap.FIGURES
        }
        return judged | spread

    def compare(self, one: Sequence[Predictions], other: Sequence[Predictions]) -> dict[str, Any]:
        """Return by how much the mean Scores of `one` exceed those of `other`, paired over patients, in points."""
        found = bootstrap.difference(
            self.weights,
            [self.counts(model) for model in one],
            [self.counts(model) for model in other],
            self.settings.confidence,
        )
        return {name: {key: rounded(value) for key, value in row.items()} for name, row in found.items()}

    def _figures(self, matrices: bootstrap.Counts) -> dict[str, Any]:
        intervals = bootstrap.intervals(self.weights, matrices, self.settings.confidence)
        nothing = (math.nan, math.nan)
        return {
            **{name: rounded(value) for name, value in bootstrap.figures(matrices.sum(axis=0)).items()},
            "low": {name: rounded(intervals.get(name, nothing)[0]) for name in bootstrap.FIGURES},
            "high": {name: rounded(intervals.get(name, nothing)[1]) for name in bootstrap.FIGURES},
        }

    def _group(self, model: Predictions, group: str) -> dict[str, dict[str, Any]]:
        values = self.cycles[group]
        return {
            value: {
                "cycles": int((values == value).sum()),
                "patients": self.cycles.filter(pl.col(group) == value)["patient_id"].n_unique(),
                **self._figures(self.counts(model, (values == value).to_numpy())),
            }
            for value in sorted(values.unique())
        }

    def _classes(self, model: Predictions, matrix: bootstrap.Counts) -> dict[str, dict[str, Any]]:
        result = {}
        for index, name in enumerate(self.classes):
            right, actual, said = matrix[index, index], matrix[index].sum(), matrix[:, index].sum()
            area, precision = curves.areas(self.labels == index, model.probabilities[:, :, index])
            result[name] = {
                "n": int((self.labels == index).sum()),
                "recall": _percent(right, actual),
                "precision": _percent(right, said),
                "f1": _percent(2 * right, actual + said),
                "auroc": rounded(area, 4),
                "average_precision": rounded(precision, 4),
            }
        return result

    def _calibration(self, model: Predictions) -> dict[str, Any]:
        diagram = calibration.reliability(self.labels, model.probabilities, self.settings.calibration_bins)
        return {
            "ece": rounded(calibration.ece(diagram), 4),
            "brier": rounded(calibration.brier(self.labels, model.probabilities), 4),
            "bins": [
                {key: value if key == "n" else rounded(value, 4) for key, value in row.items()}
                for row in diagram.to_dicts()
            ],
        }


def summarize(judge: Judge, predictions: Sequence[Predictions], about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping that ``reports/metrics.json`` holds.

    Args:
        judge: With the test cycles.
        predictions: Of teachers, the ensemble if there is one, and every seed of the student, in each selection.
        about: What stands at the top: corpus, labels, split and the like.
    """
    selections = sorted({part.selection for part in predictions}, key=lambda name: (name != "val", name))
    by_model: dict[str, dict[str, Predictions]] = {}
    for part in predictions:
        by_model.setdefault(part.model, {})[part.selection] = part
    students = {name: parts for name, parts in by_model.items() if name.startswith("student/")}
    teachers = {name: parts for name, parts in by_model.items() if name.startswith("teacher/")}
    ensemble = by_model.get("ensemble", {})
    settings = judge.settings
    names = np.array(judge.classes)[judge.labels]
    return {
        **about,
        "classes": list(judge.classes),
        "selections": selections,
        "interval": {"confidence": settings.confidence, "over": "patients", "resamples": settings.resamples},
        "test": {
            "cycles": judge.cycles.height,
            "patients": judge.size,
            "recordings": judge.cycles["recording_id"].n_unique(),
            "per_class": {name: int((names == name).sum()) for name in judge.classes},
        },
        # What a model scores that says normal of every cycle.
        "always_normal": {
            "score_strict": 50.0,
            "score_lenient": 50.0,
            "sp": 100.0,
            "se_strict": 0.0,
            "se_lenient": 0.0,
        },
        "student": {
            selection: judge.seeds([parts[selection] for parts in students.values()]) for selection in selections
        },
        "students": _each(judge, students),
        "teachers": _each(judge, teachers),
        "ensemble": {selection: judge.judge(part) for selection, part in ensemble.items()},
        "student_minus": {
            selection: {
                name: judge.compare([parts[selection] for parts in students.values()], others)
                for name, others in (
                    ("ensemble", [ensemble[selection]] if ensemble else []),
                    ("teachers", [parts[selection] for parts in teachers.values()]),
                )
                if others
            }
            for selection in selections
        },
    }


def headline(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the few figures by which experiments are compared: by selection and model, means and Scores alone."""
    result: dict[str, Any] = {}
    for selection in metrics["selections"]:
        student, ensemble = metrics["student"][selection], metrics["ensemble"].get(selection)
        result[selection] = {"student": {name: student[name]["mean"] for name in bootstrap.FIGURES}}
        if ensemble:
            result[selection]["ensemble"] = {name: ensemble[name] for name in bootstrap.FIGURES[:2]}
    return result


def rounded(value: Any, digits: int = 2) -> float | None:
    """Return a figure with few digits, or None where it is not defined."""
    return None if math.isnan(value) else round(float(value), digits) + 0.0


def _each(judge: Judge, models: Mapping[str, Mapping[str, Predictions]]) -> dict[str, Any]:
    return {
        name.split("/", 1)[1]: {selection: judge.judge(part) for selection, part in parts.items()}
        for name, parts in models.items()
    }


def _percent(part: Any, whole: Any) -> float | None:
    return rounded(100 * part / whole) if whole else None
