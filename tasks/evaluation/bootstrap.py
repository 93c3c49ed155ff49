"""Bootstrap over patients: confidence intervals of the figures of confusion matrices.

Cycles of one patient resemble each other. Patients are therefore drawn, not cycles. A resample is a weight for each
patient, and its confusion matrix is the weighted sum of the patients' matrices. Two models are compared with the same
weights, which makes the comparison paired.
"""

import numpy as np
import numpy.typing as npt

from models.metrics import SCORES, Counts, figures

MIN_PATIENTS = 3  # with normal and with abnormal cycles; with fewer an interval is misleadingly narrow

Figures = dict[str, npt.NDArray[np.float64]]
Intervals = dict[str, tuple[float, float]]


def draw(size: int, *, resamples: int, seed: int) -> Counts:
    """Return how often each of `size` patients is in each resample, ``(resamples, size)``; rows sum to `size`.

    Args:
        size: Number of patients.
        resamples: Number of bootstrap resamples.
        seed: Random seed.
    """
    generator = np.random.default_rng(seed)
    return generator.multinomial(size, np.full(size, 1 / size), size=resamples)


def resample(weights: Counts, matrices: Counts) -> Figures:
    """Return the figures of every resample, each ``(resamples,)``.

    Args:
        weights: The patients in each resample ``(resamples, patients)``, as `draw` returns them.
        matrices: The patients' confusion matrices ``(patients, classes, classes)``.
    """
    size, classes, _ = matrices.shape
    return figures((weights @ matrices.reshape(size, classes**2)).reshape(-1, classes, classes))


def intervals(weights: Counts, matrices: Counts, confidence: float) -> Intervals:
    """Return the percentile interval of each figure; figures with too few patients (`MIN_PATIENTS`) are absent.

    Args:
        weights: The patients in each resample ``(resamples, patients)``, as `draw` returns them.
        matrices: The patients' confusion matrices ``(patients, classes, classes)``.
        confidence: Confidence level, such as 0.95.
    """
    normal = np.count_nonzero(matrices[:, 0].sum(-1))
    abnormal = np.count_nonzero(matrices[:, 1:].sum((-2, -1)))
    patients = {"sp": normal, "se_strict": abnormal, "se_lenient": abnormal}
    return {
        name: interval(values, confidence)
        for name, values in resample(weights, matrices).items()
        if patients.get(name, min(normal, abnormal)) >= MIN_PATIENTS
    }


def interval(values: npt.NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Return the percentile interval of the defined values; NaN where no value is defined.

    Args:
        values: One figure in every resample ``(resamples,)``.
        confidence: Confidence level, such as 0.95.
    """
    if np.isnan(values).all():
        return float("nan"), float("nan")
    tail = 50 * (1 - confidence)
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return float(low), float(high)


def difference(
    weights: Counts, one: list[Counts], other: list[Counts], confidence: float
) -> dict[str, dict[str, float]]:
    """Return both mean Scores of `one` minus those of `other`, with paired intervals.

    Args:
        weights: The patients in each resample ``(resamples, patients)``.
        one: The patients' matrices of each model on the first side.
        other: The patients' matrices of each model on the second side.
        confidence: The confidence of the interval, such as 0.95.
    """
    points = [[figures(matrices.sum(0)) for matrices in side] for side in (one, other)]
    resampled = [[resample(weights, matrices) for matrices in side] for side in (one, other)]
    result = {}
    for name in SCORES:
        low, high = interval(_minus(name, *resampled), confidence)
        result[name] = {"difference": float(_minus(name, *points)), "low": low, "high": high}
    return result


def _minus(name: str, one: list[Figures], other: list[Figures]) -> npt.NDArray[np.float64]:
    """Return the mean of a figure over the models of one side, minus that of the other side."""
    left, right = (np.mean([part[name] for part in side], axis=0) for side in (one, other))
    return np.asarray(left - right)
