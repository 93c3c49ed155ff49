"""Results per recording and per patient, from the predictions on their cycles."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.metrics import Counts, confusion_by_patient
from tasks.evaluation.predictions import Predictions

RULES = ("majority", "max")  # rules that join the predictions on the cycles of a unit
LEVELS = {"by_recording": "recording_id", "by_patient": "patient_id"}  # keys in metrics.json, and columns of the ids


@dataclass(frozen=True)
class Units:
    """Recordings or patients, each with cycles.

    A unit is normal if all its cycles are normal. Otherwise its class is the most frequent of its abnormal cycles; of
    equally frequent ones, the first.

    Attributes:
        positions: Index of the unit of each cycle ``(cycles,)``.
        labels: Class of each unit ``(units,)``.
        patients: Index of the patient of each unit ``(units,)``.
        classes: Number of classes.
    """

    positions: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    patients: npt.NDArray[np.int64]
    classes: int

    @staticmethod
    def from_cycles(ids: Sequence[str], labels: Counts, patients: Counts, classes: int) -> "Units":
        """Return the units of cycles.

        Args:
            ids: Id of the unit of each cycle.
            labels: Class of each cycle ``(cycles,)``.
            patients: Index of the patient of each cycle ``(cycles,)``.
            classes: Number of classes.
        """
        _, first, positions = np.unique(np.asarray(ids), return_index=True, return_inverse=True)
        abnormal = _counts(positions, labels, len(first), classes)[:, 1:]
        found = np.where(abnormal.any(axis=1), 1 + abnormal.argmax(axis=1), 0)
        return Units(positions, found, patients[first], classes)

    def predicted(self, model: Predictions, rule: str) -> npt.NDArray[np.int64]:
        """Return the class of each unit in each run, ``(runs, units)``.

        Args:
            model: Predictions on the cycles.
            rule: ``majority``: the class that most cycles have, of equal ones that of the larger mean probability.
                ``max``: the class of the largest probability in any cycle.
        """
        size = len(self.labels)
        found = np.zeros((len(model.probabilities), size), dtype=np.int64)
        for run, probabilities in enumerate(model.probabilities.astype(np.float64)):
            joined = np.zeros((size, self.classes))
            if rule == "max":
                np.maximum.at(joined, self.positions, probabilities)
            else:
                votes = _counts(self.positions, model.predicted[run], size, self.classes)
                np.add.at(joined, self.positions, probabilities)
                joined = votes + joined / (2 * votes.sum(axis=1, keepdims=True))
            found[run] = joined.argmax(axis=1)
        return found


def results(
    units: Units, model: Predictions, patients: int, figures: Callable[[Counts], Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the number of units, and the figures of each rule as means over runs.

    Args:
        units: Recordings or patients.
        model: Predictions on their cycles.
        patients: Number of patients.
        figures: Function from the patients' confusion matrices to figures.
    """
    found: dict[str, Any] = {"n": len(units.labels), "abnormal": int((units.labels > 0).sum())}
    for rule in RULES:
        predicted = units.predicted(model, rule)
        found[rule] = figures(
            confusion_by_patient(units.labels, predicted, units.patients, size=patients, classes=units.classes)
        )
    return found


def _counts(positions: Counts, classes_of_cycles: Counts, size: int, classes: int) -> npt.NDArray[np.int64]:
    """Return how many cycles of each unit have each class, ``(units, classes)``."""
    return np.bincount(positions * classes + classes_of_cycles, minlength=size * classes).reshape(size, classes)
