"""Further metrics of confusion matrices: macro-F1, balanced accuracy, MCC, Cohen's κ, and predictive values.

They complete the Scores, Sp and Se of `models.metrics`. Macro-F1, balanced accuracy (UAR), PPV and NPV are in percent;
MCC and κ are between −1 and 1.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models.metrics import Counts, figures

AGREEMENT = ("macro_f1", "balanced_accuracy", "mcc", "kappa")
PREDICTIVE = ("ppv", "npv")
FURTHER = (*AGREEMENT, *PREDICTIVE)  # in the order in which tables show them
DIGITS = {name: 4 if name in ("mcc", "kappa") else 2 for name in FURTHER}  # decimals in reports/metrics.json

Values = dict[str, npt.NDArray[np.float64]]


def all_metrics(matrices: Counts, prevalence: float) -> Values:
    """Return all metrics of this module by the names of `FURTHER`.

    Args:
        matrices: Confusion matrices ``(..., classes, classes)``: rows are labels.
        prevalence: Share of abnormal cycles for which PPV and NPV hold, 0 to 1; NaN where it is undefined.
    """
    found = figures(matrices)
    return agreement(matrices) | predictive_values(found["sp"], found["se_lenient"], prevalence)


def agreement(matrices: Counts) -> Values:
    """Return macro-F1, balanced accuracy, MCC and Cohen's κ by the names of `AGREEMENT`.

    Macro-F1 is the mean over the classes that are labels or predictions. Balanced accuracy is the mean recall of the
    classes that are labels. MCC is that of several classes (Gorodkin 2004); it is 0 if one class is always predicted.

    Args:
        matrices: Confusion matrices ``(..., classes, classes)``: rows are labels.

    Returns:
        Arrays of the leading shape. They are NaN without a cycle; MCC and κ also if all cycles have one label.
    """
    right = np.diagonal(matrices, axis1=-2, axis2=-1).astype(np.float64)
    actual, predicted = matrices.sum(-1).astype(np.float64), matrices.sum(-2).astype(np.float64)
    total, hits = actual.sum(-1), right.sum(-1)
    by_chance = (actual * predicted).sum(-1)
    varied_labels, varied = total**2 - (actual**2).sum(-1), total**2 - (predicted**2).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = 2 * right / (actual + predicted)
        recall = right / actual
        correlation = (hits * total - by_chance) / np.sqrt(varied_labels * np.where(varied == 0, 1, varied))
        kappa = (hits * total - by_chance) / (total**2 - by_chance)
    several = varied_labels > 0
    return {
        "macro_f1": 100 * _mean_of_defined(f1),
        "balanced_accuracy": 100 * _mean_of_defined(recall),
        "mcc": np.where(several, correlation, np.nan),
        "kappa": np.where(several, kappa, np.nan),
    }


def predictive_values(sp: npt.ArrayLike, se: npt.ArrayLike, prevalence: float) -> Values:
    """Return PPV and NPV of "abnormal" in percent at a prevalence, by Bayes' theorem.

    Args:
        sp: Specificity in percent.
        se: Lenient sensitivity in percent: an abnormal cycle counts with any abnormal class.
        prevalence: Share of abnormal cycles, 0 to 1.

    Returns:
        Arrays of the common shape; NaN if nothing is predicted abnormal (PPV) or normal (NPV).
    """
    specific, sensitive = np.asarray(sp, dtype=np.float64) / 100, np.asarray(se, dtype=np.float64) / 100
    found, missed = sensitive * prevalence, (1 - sensitive) * prevalence
    cleared, alarmed = specific * (1 - prevalence), (1 - specific) * (1 - prevalence)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {"ppv": 100 * found / (found + alarmed), "npv": 100 * cleared / (cleared + missed)}


def prevalence_of(labels: Counts, stated: float | None) -> dict[str, Any]:
    """Return the prevalence of abnormal cycles as `value`, and its `source`: ``params.yaml`` or ``test cycles``.

    Args:
        labels: Class of each test cycle ``(cycles,)``.
        stated: Prevalence in the settings of the evaluation; None for that of the test cycles.
    """
    if stated is not None:
        return {"value": stated, "source": "params.yaml"}
    return {"value": round(float(np.mean(labels > 0)), 4) if len(labels) else None, "source": "test cycles"}


def over_runs(matrices: Sequence[Counts], prevalence: float | None) -> dict[str, tuple[float, float]]:
    """Return mean and standard deviation over runs of each metric; the deviation of one run is NaN.

    Args:
        matrices: Confusion matrix of each run ``(classes, classes)``.
        prevalence: Share of abnormal cycles for which PPV and NPV hold; None if it is undefined.
    """
    found = all_metrics(np.stack(matrices), math.nan if prevalence is None else prevalence)
    deviation = [float(np.std(one, ddof=1)) if len(one) > 1 else math.nan for one in found.values()]
    return {name: (float(one.mean()), sd) for (name, one), sd in zip(found.items(), deviation, strict=True)}


def _mean_of_defined(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the mean over the last axis of the values that are defined; NaN where none is."""
    defined = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(defined, values, 0).sum(-1) / defined.sum(-1))
