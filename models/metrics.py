"""The ICBHI Score: specificity and sensitivity over cycles, strict and lenient."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

SCORES = ("score_strict", "score_lenient")
FIGURES = (*SCORES, "sp", "se_strict", "se_lenient")  # in the order in which tables show them
CHALLENGE = ("SE", "SP", "AS", "HS", "Score")  # metrics of the BioCAS challenges on SPRSound
POOR_QUALITY = "poor quality"  # class of whole recordings there, which counts in neither SE nor SP

Counts = npt.NDArray[Any]


def confusion(labels: npt.ArrayLike, predicted: npt.ArrayLike, classes: int) -> npt.NDArray[np.int64]:
    """Return the counts ``(classes, classes)``: rows are labels, columns are predictions.

    Args:
        labels: Class indices ``(cycles,)``.
        predicted: Predicted class indices ``(cycles,)``.
        classes: Number of classes.
    """
    index = np.asarray(labels, dtype=np.int64) * classes + np.asarray(predicted, dtype=np.int64)
    return np.bincount(index, minlength=classes * classes).reshape(classes, classes)


def confusion_by_patient(
    labels: Counts, predicted: Counts, patients: Counts, *, size: int, classes: int
) -> npt.NDArray[np.int64]:
    """Return the confusion matrix of each patient ``(size, classes, classes)``, rows being labels, summed over runs.

    Args:
        labels: Class indices ``(cycles,)``.
        predicted: Predicted classes ``(runs, cycles)``, or ``(cycles,)`` of one run.
        patients: Index of each cycle's patient ``(cycles,)``, below `size`.
        size: Number of patients. Patients without a cycle get zeros.
        classes: Number of classes.
    """
    cell = (patients.astype(np.int64) * classes + labels) * classes + predicted
    return np.bincount(cell.ravel(), minlength=size * classes**2).reshape(size, classes, classes)


def figures(matrices: Counts) -> dict[str, npt.NDArray[np.float64]]:
    """Return specificity, sensitivity and Score in percent, by the names of `FIGURES`.

    Class 0 is the normal one. Sp is the recall of class 0. Strict Se counts an abnormal cycle only with its exact
    class; lenient Se counts it with any abnormal class. Score = (Sp + Se) / 2. The strict Score is the
    ICBHI Score of the 2017 challenge; some publications call the lenient one by the same name.

    Args:
        matrices: Confusion matrices ``(..., classes, classes)``: rows are labels.

    Returns:
        Arrays of the leading shape; NaN without normal or without abnormal cycles.
    """
    normal, abnormal = matrices[..., 0, :].sum(-1), matrices[..., 1:, :].sum((-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        sp = 100 * matrices[..., 0, 0] / normal
        strict = 100 * np.trace(matrices[..., 1:, 1:], axis1=-2, axis2=-1) / abnormal
        lenient = 100 * matrices[..., 1:, 1:].sum((-2, -1)) / abnormal
    found = {"sp": sp, "se_strict": strict, "se_lenient": lenient}
    found |= {"score_strict": (sp + strict) / 2, "score_lenient": (sp + lenient) / 2}
    return {name: np.asarray(value, dtype=np.float64) for name, value in found.items()}


def challenge(matrices: Counts, classes: Sequence[str] = ()) -> dict[str, npt.NDArray[np.float64]]:
    """Return the metrics of the BioCAS challenges on SPRSound in percent, by the names of `CHALLENGE`.

    SE is the recall of all abnormal cycles, each with its exact class, and SP that of class 0, the normal one. AS is
    their mean and HS their harmonic mean; Score is the mean of AS and HS. Recordings of poor quality count in neither
    SE nor SP; an adventitious recording that is called so is an error.

    Args:
        matrices: Confusion matrices ``(..., classes, classes)``: rows are labels.
        classes: Names of the classes, among which `POOR_QUALITY` can be.

    Returns:
        Arrays of the leading shape; NaN without normal or without abnormal cycles. HS is 0 if SE and SP are 0.
    """
    counted = [name != POOR_QUALITY for name in classes] or [True] * matrices.shape[-1]
    found = figures(matrices * np.array(counted)[:, np.newaxis])
    se, sp = found["se_strict"], found["sp"]
    average, total = (se + sp) / 2, se + sp
    harmonic = np.where(total == 0, 0.0, 2 * se * sp / np.where(total == 0, 1.0, total))
    return {"SE": se, "SP": sp, "AS": average, "HS": harmonic, "Score": (average + harmonic) / 2}


def scores(labels: npt.ArrayLike, predicted: npt.ArrayLike, classes: int) -> dict[str, float]:
    """Return the `figures` of one model's predictions on one set of cycles, in percent, by name.

    Args:
        labels: Class indices ``(cycles,)``.
        predicted: Predicted class indices ``(cycles,)``.
        classes: Number of classes.
    """
    return {name: float(value) for name, value in figures(confusion(labels, predicted, classes)).items()}
