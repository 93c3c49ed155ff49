"""Intervals by resampling patients: cycles of one patient are not independent, so they come and go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.metrics import confusion

FIGURES = ("score_strict", "se_strict", "sp", "score_lenient", "se_lenient")
Counts = npt.NDArray[np.int64]
Drawn = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bootstrap:
    """Resamples of patients, the same for every model, so that differences between models are paired.

    Attributes:
        weights: How often each patient is drawn: ``(resamples, patients)``.
        confidence: Of the intervals, such as 0.95.
    """

    weights: npt.NDArray[np.int64]
    confidence: float

    @classmethod
    def draw(cls, patients: int, *, resamples: int, confidence: float, seed: int) -> Bootstrap:
        """Return resamples of as many patients as there are, drawn with replacement."""
        generator = np.random.default_rng(seed)
        weights = generator.multinomial(patients, np.full(patients, 1 / patients), size=resamples)
        return cls(weights=weights, confidence=confidence)

    def figures(self, counts: Counts) -> dict[str, Drawn]:
        """Return each figure in every resample ``(resamples,)``, the mean over models.

        Args:
            counts: A confusion matrix per model and patient: ``(models, patients, classes, classes)``.
        """
        drawn = np.einsum("rp,mpij->rmij", self.weights, counts)
        return {name: values.mean(axis=1) for name, values in figures(drawn).items()}

    def interval(self, drawn: Drawn) -> tuple[float, float]:
        """Return the percentile interval of the resamples in which the figure exists; NaN where it exists in none."""
        known = drawn[~np.isnan(drawn)]
        if not len(known):
            return float("nan"), float("nan")
        tail = 100 * (1 - self.confidence) / 2
        low, high = np.percentile(known, [tail, 100 - tail])
        return float(low), float(high)


def per_patient(
    patients: npt.NDArray[np.int64], labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], classes: int
) -> Counts:
    """Return a confusion matrix per patient, by sorted patient: ``(patients, classes, classes)``."""
    return np.stack(
        [
            confusion(labels[patients == patient], predicted[patients == patient], classes)
            for patient in np.unique(patients)
        ]
    )


def figures(counts: npt.NDArray[np.int64]) -> dict[str, Drawn]:
    """Return Sp, Se and Score, strict and lenient, in percent, of confusion matrices ``(..., classes, classes)``.

    Where there are no normal or no abnormal cycles, what needs them is NaN.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        abnormal = counts[..., 1:, :].sum((-1, -2))
        sp = 100 * counts[..., 0, 0] / counts[..., 0, :].sum(-1)
        strict = 100 * np.trace(counts[..., 1:, 1:], axis1=-2, axis2=-1) / abnormal
        lenient = 100 * counts[..., 1:, 1:].sum((-1, -2)) / abnormal
    return {
        "score_strict": (sp + strict) / 2,
        "se_strict": strict,
        "sp": sp,
        "score_lenient": (sp + lenient) / 2,
        "se_lenient": lenient,
    }


def difference(bootstrap: Bootstrap, ours: Counts, theirs: Counts) -> dict[str, Mapping[str, float]]:
    """Return the paired difference of both Scores, its interval, and the share of resamples where ours is higher."""
    mine, other = bootstrap.figures(ours), bootstrap.figures(theirs)
    point_mine, point_other = (figures(counts.sum(1)) for counts in (ours, theirs))
    result: dict[str, Mapping[str, float]] = {}
    for name in ("score_strict", "score_lenient"):
        drawn = mine[name] - other[name]
        low, high = bootstrap.interval(drawn)
        result[name] = {
            "difference": float(point_mine[name].mean() - point_other[name].mean()),
            "low": low,
            "high": high,
            "higher_in": float(np.mean(drawn > 0)),
        }
    return result
