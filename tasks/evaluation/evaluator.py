"""Evaluation of models on the same test cycles: all figures of one model, of seeds together, and of comparisons."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.metrics import CHALLENGE, FIGURES, Counts, challenge, confusion_by_patient, figures
from tasks.evaluation import (
    aggregation,
    calibration,
    curves,
    decision_analysis,
    degeneracy,
    further_metrics,
    groups,
    intervals,
    paired_tests,
)
from tasks.evaluation.intervals import Networks
from tasks.evaluation.predictions import Predictions, pool
from tasks.evaluation.rounding import rounded
from tasks.evaluation.settings import EvaluationSettings
from tasks.subsets.patients import number


class Evaluator:
    """Evaluation of models on the same test cycles.

    Args:
        cycles: The test cycles (`tasks.evaluation.cycles`).
        classes: The names of the classes, the normal one first.
        settings: The settings of the evaluation.
        groups: The columns of `cycles` by which results are grouped.
        metrics: Names of the metrics of the corpus's own challenge; those of `CHALLENGE` are computed.
    """

    def __init__(
        self,
        cycles: pl.DataFrame,
        classes: Sequence[str],
        settings: EvaluationSettings,
        *,
        groups: Sequence[str],
        metrics: Sequence[str] = (),
    ) -> None:
        self.cycles, self.classes, self.settings, self.groups = cycles, classes, settings, groups
        self.challenge = [name for name in metrics if name in CHALLENGE]
        self.labels: npt.NDArray[np.int64] = cycles["label"].to_numpy().astype(np.int64)
        patients, self.patients = number(cycles["patient_id"].to_list())
        self.size = len(patients)
        self.prevalence = further_metrics.prevalence_of(self.labels, settings.prevalence)
        self.levels = {
            level: aggregation.Units.from_cycles(cycles[column].to_list(), self.labels, self.patients, len(classes))
            for level, column in aggregation.LEVELS.items()
        }

    def matrices(self, model: Predictions, mask: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.int64]:
        """Return the confusion matrix of each patient, ``(patients, classes, classes)``, summed over runs.

        Args:
            model: The predictions of a model.
            mask: Mask ``(cycles,)`` of the cycles that count; None for all.
        """
        rows = np.ones(len(self.labels), dtype=bool) if mask is None else mask
        return confusion_by_patient(
            self.labels[rows], model.predicted[:, rows], self.patients[rows], size=self.size, classes=len(self.classes)
        )

    def evaluate(self, model: Predictions) -> dict[str, Any]:
        """Return all figures of a model, as means over its runs; `_classes` says which of a class are not."""
        return self._evaluate(model, model.single_runs())

    def _evaluate(self, model: Predictions, parts: Sequence[Predictions]) -> dict[str, Any]:
        """Return the figures of `evaluate` of a model whose runs are `parts`."""
        matrices, runs = self.matrices(model), len(model.probabilities)
        confusion = matrices.sum(axis=0)
        return {
            **self._figures(matrices, runs),
            "calibration": calibration.figures(self.labels, model, self.settings.calibration_bins),
            "confusion": confusion.tolist(),
            "decision": decision_analysis.by_rule(
                parts, lambda run: self.matrices(run).sum(axis=0), self._difference, self._degenerate
            ),
            "degenerate": degeneracy.kind(confusion, self.classes),
            "further": {name: one["mean"] for name, one in self._further_metrics([confusion]).items()},
            **{
                level: aggregation.results(units, model, self.size, partial(self._figures, runs=runs))
                for level, units in self.levels.items()
            },
            "groups": self._groups(model),
            "per_class": self._classes(model, confusion),
            **self._challenge([confusion]),
        }

    def evaluate_seeds(self, parts: Sequence[Predictions]) -> dict[str, Any]:
        """Return all figures of several seeds together.

        Scores, Sp and Se are ``{mean, sd, low, high}`` over seeds, with the limits `low_seeds` and `high_seeds` over
        patients and seeds if there are several seeds.
        """
        found = self._evaluate(pooled := pool("student", parts), parts)
        confusions = [self.matrices(part).sum(axis=0) for part in parts]
        single = [figures(confusion) for confusion in confusions]
        limits = intervals.intervals(self._networks(parts, seeds=True), self.settings.confidence)
        del found["low"], found["high"]
        found |= self._challenge(confusions)
        found["group_pairs"] = groups.by_two_columns(
            self.cycles,
            self.groups,
            matrices=partial(self.matrices, pooled),
            figures=partial(self._figures, runs=len(parts)),
            difference=partial(self._gap, runs=len(parts)),
        )
        found["degenerate"] = self._degenerate(parts)
        found["further"] = self._further_metrics(confusions)
        return found | {
            name: {
                "mean": found[name],
                "sd": rounded(np.std([one[name] for one in single], ddof=1)) if len(single) > 1 else None,
                **{key: rounded(limit) for key, limit in limits[name].items()},
            }
            for name in FIGURES
        }

    def compare(self, students: Sequence[Predictions], others: Sequence[Predictions]) -> dict[str, Any]:
        """Return both mean Scores of the student minus those of other models, in points, with paired tests.

        Args:
            students: The predictions of each seed of the student.
            others: The predictions of the other models, each of one run.
        """
        one, other = self._networks(students, seeds=True), self._networks(others)
        found = intervals.difference(one, other, self.settings.confidence)
        p_values = paired_tests.permutation(
            list(one.matrices), list(other.matrices), resamples=self.settings.resamples, seed=self.settings.seed
        )
        sides = ({model.model: model.predicted[0] for model in side} for side in (students, others))
        pairs = paired_tests.mcnemar_of_pairs(self.labels, *sides)
        return {
            name: {
                **{key: rounded(value) for key, value in row.items()},
                "p": rounded(p_values[name], 4),
                "mcnemar": [{**pair, "p": rounded(pair["p"], 4)} for pair in pairs[name]],
            }
            for name, row in found.items()
        } | {"degenerate": self._degenerate([*students, *others])}

    def _difference(self, one: Sequence[Predictions], other: Sequence[Predictions]) -> dict[str, Any]:
        """Return both mean Scores of runs minus those of the same runs with another rule, paired by patient and run."""
        return self._minus(self._networks(one, seeds=True), self._networks(other, seeds=True), same_seeds=True)

    def _minus(self, one: Networks, other: Networks, *, same_seeds: bool = False) -> dict[str, Any]:
        """Return the differences of both Scores with paired limits, rounded."""
        found = intervals.difference(one, other, self.settings.confidence, same_seeds=same_seeds)
        return {name: {key: rounded(value) for key, value in row.items()} for name, row in found.items()}

    def _degenerate(self, parts: Sequence[Predictions]) -> str | None:
        """Return how some of several networks are degenerate, in words; None if none is."""
        kinds = {part.model: degeneracy.kind(self.matrices(part).sum(axis=0), self.classes) for part in parts}
        return degeneracy.of_several(kinds)

    def _further_metrics(self, confusions: Sequence[Counts]) -> dict[str, dict[str, float | None]]:
        """Return mean and standard deviation over runs of the further metrics."""
        found = further_metrics.over_runs(confusions, self.prevalence["value"])
        digits = further_metrics.DIGITS
        return {
            name: {"mean": rounded(mean, digits[name]), "sd": rounded(sd, digits[name])}
            for name, (mean, sd) in found.items()
        }

    def _figures(self, matrices: Counts, runs: int) -> dict[str, Any]:
        """Return the figures and intervals of patients' confusion matrices that are summed over runs."""
        limits = intervals.intervals(Networks(matrices[np.newaxis] / runs), self.settings.confidence)
        return {
            **{name: rounded(value) for name, value in figures(matrices.sum(axis=0)).items()},
            **{key: {name: rounded(limits[name][key]) for name in FIGURES} for key in ("low", "high")},
        }

    def _networks(self, models: Sequence[Predictions], *, seeds: bool = False) -> Networks:
        """Return the matrices of several networks, for intervals of their mean and of differences."""
        return Networks(np.stack([self.matrices(model) for model in models]), seeds)

    def _challenge(self, confusions: Sequence[Counts]) -> dict[str, Any]:
        """Return the metrics of the corpus's own challenge as means over runs; nothing if it has none."""
        if not self.challenge:
            return {}
        single = [challenge(confusion, self.classes) for confusion in confusions]
        return {"challenge": {name: rounded(np.mean([one[name] for one in single])) for name in self.challenge}}

    def _groups(self, model: Predictions) -> dict[str, dict[str, Any]]:
        """Return the figures of the cycles of each value of each group column."""
        runs = len(model.probabilities)
        return {
            column: groups.by_column(
                self.cycles,
                column,
                matrices=partial(self.matrices, model),
                figures=partial(self._figures, runs=runs),
                difference=partial(self._gap, runs=runs),
            )
            for column in self.groups
        }

    def _gap(self, own: Counts, rest: Counts, runs: int) -> dict[str, Any]:
        """Return the differences of both Scores from patients' confusion matrices that are summed over runs."""
        return self._minus(*(Networks(matrices[np.newaxis] / runs) for matrices in (own, rest)))

    def _classes(self, model: Predictions, confusion: Counts) -> dict[str, dict[str, Any]]:
        """Return recall, precision, F1 and areas of each class.

        Recall and areas are means over runs. Precision and F1 are those of all runs together: a run that never predicts
        the class has no precision.
        """
        result = {}
        for index, name in enumerate(self.classes):
            right, actual, predicted = confusion[index, index], confusion[index].sum(), confusion[:, index].sum()
            area, precision = curves.areas(self.labels == index, model.probabilities[:, :, index])
            result[name] = {
                "n": int((self.labels == index).sum()),
                "recall": _percent(right, actual),
                "precision": _percent(right, predicted),
                "f1": _percent(2 * right, actual + predicted),
                "auroc": rounded(area, 4),
                "average_precision": rounded(precision, 4),
            }
        return result


def _percent(part: Any, whole: Any) -> float | None:
    return rounded(100 * part / whole) if whole else None
