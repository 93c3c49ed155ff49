"""Split conformal prediction: sets of classes that hold the right one with a stated frequency.

The score of a cycle is 1 - p, with the calibrated probability p of its right class. The quantile over n validation
cycles is the ⌈(n + 1) · coverage⌉-th smallest score (Vovk et al. 2005; Angelopoulos & Bates 2023). The coverage would
hold if the cycles were exchangeable. Cycles of one patient resemble each other, so that it holds approximately, and
less so for few patients or another hospital. Epoch, temperature and threshold of the decision rule come from the same
validation patients: their scores are smaller than those of new patients. The export therefore states the share of
test cycles that are covered.
"""

import math

import numpy as np
import numpy.typing as npt

from tasks.prediction.fact_parts import Conformal

DIGITS = 6  # of a quantile, rounded up, so that rounding takes no class out of a set
Probabilities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def fit(labels: Labels, probabilities: Probabilities, *, patients: int, coverage: float) -> Conformal:
    """Return the quantile of a coverage.

    With too few cycles for the coverage, the quantile is 1: each set then holds all classes.

    Args:
        labels: Class of each validation cycle ``(cycles,)``.
        probabilities: Calibrated probabilities ``(cycles, classes)``.
        patients: Number of patients of these cycles.
        coverage: Share of cycles whose set is to hold the right class (0 to 1).
    """
    scores = np.sort(1 - probabilities[np.arange(len(labels)), labels])
    rank = math.ceil((len(scores) + 1) * coverage - 1e-9)
    quantile = float(scores[rank - 1]) if rank <= len(scores) else 1.0
    rounded = min(1.0, math.ceil(quantile * 10**DIGITS) / 10**DIGITS)
    return Conformal(coverage=coverage, quantile=rounded, cycles=len(scores), patients=patients)


def covered(labels: Labels, probabilities: Probabilities, quantile: float) -> float | None:
    """Return the share of cycles whose set holds the right class, with four digits; None without cycles.

    Args:
        labels: Class of each cycle ``(cycles,)``.
        probabilities: Calibrated probabilities ``(cycles, classes)``.
        quantile: Quantile of `fit`.
    """
    if not len(labels):
        return None
    return round(float(np.mean(1 - probabilities[np.arange(len(labels)), labels] <= quantile)), 4)
