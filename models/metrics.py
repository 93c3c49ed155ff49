"""The ICBHI Score: specificity and sensitivity over cycles, strict and lenient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Scores:
    """The figures of one model on one set of cycles, in percent.

    Attributes:
        sp: Specificity: recall of class 0, the normal one.
        se_strict: Sensitivity where an abnormal cycle counts only with its exact class.
        se_lenient: Sensitivity where it counts with any abnormal class.
    """

    sp: float
    se_strict: float
    se_lenient: float

    @property
    def score_strict(self) -> float:
        """Return (Sp + strict Se) / 2, the ICBHI Score of the 2017 challenge."""
        return (self.sp + self.se_strict) / 2

    @property
    def score_lenient(self) -> float:
        """Return (Sp + lenient Se) / 2, which some publications call by the same name."""
        return (self.sp + self.se_lenient) / 2


def confusion(labels: npt.ArrayLike, predicted: npt.ArrayLike, classes: int) -> npt.NDArray[np.int64]:
    """Return the counts ``(classes, classes)``: rows are labels, columns are predictions."""
    index = np.asarray(labels, dtype=np.int64) * classes + np.asarray(predicted, dtype=np.int64)
    return np.bincount(index, minlength=classes * classes).reshape(classes, classes)


def scores(labels: npt.ArrayLike, predicted: npt.ArrayLike, classes: int) -> Scores:
    """Return the Scores of predictions; without normal or without abnormal cycles the figures concerned are NaN."""
    return from_confusion(confusion(labels, predicted, classes))


def from_confusion(counts: npt.NDArray[np.int64]) -> Scores:
    """Return the Scores of a confusion matrix (see `confusion`)."""
    normal, abnormal = counts[0].sum(), counts[1:].sum()
    return Scores(
        sp=_percent(counts[0, 0], normal),
        se_strict=_percent(np.trace(counts[1:, 1:]), abnormal),
        se_lenient=_percent(counts[1:, 1:].sum(), abnormal),
    )


def _percent(part: np.int64, whole: np.int64) -> float:
    return float(100 * part / whole) if whole else float("nan")
