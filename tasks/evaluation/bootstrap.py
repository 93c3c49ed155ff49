"""Figures of confusion matrices, many at once, and what a bootstrap over patients says of their uncertainty.

The cycles of one patient resemble each other, so that patients are drawn, not cycles. A draw of patients is a weight
for each, and the confusion matrix of a draw is the weighted sum of the patients' matrices: nothing is drawn twice for
two models, which makes comparisons paired.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FIGURES = ("score_strict", "score_lenient", "sp", "se_strict", "se_lenient")
FEWEST_PATIENTS = 3  # with normal and with abnormal cycles; an interval over fewer would look sure of nothing

Counts = npt.NDArray[Any]
Figures = dict[str, npt.NDArray[np.float64]]
Intervals = dict[str, tuple[float, float]]


def counts(
    labels: npt.NDArray[Any], predicted: npt.NDArray[Any], patients: npt.NDArray[Any], *, size: int, classes: int
) -> Counts:
    """Return the confusion matrix of each patient ``(size, classes, classes)``, rows being labels, summed over runs.

    Args:
        labels: The class of each cycle ``(cycles,)``.
        predicted: What each run predicts ``(runs, cycles)``.
        patients: The index of each cycle's patient ``(cycles,)``, below `size`.
        size: How many patients there are; those without a cycle here get zeros.
        classes: How many classes there are.
    """
    cell = (patients.astype(np.int64) * classes + labels) * classes + predicted
    return np.bincount(cell.ravel(), minlength=size * classes**2).reshape(size, classes, classes)


def figures(matrices: Counts) -> Figures:
    """Return Scores, Sp and Se in percent of confusion matrices ``(..., classes, classes)``; undefined ones are NaN."""
    normal, abnormal = matrices[..., 0, :].sum(-1), matrices[..., 1:, :].sum((-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        sp = 100 * matrices[..., 0, 0] / normal
        strict = 100 * np.trace(matrices[..., 1:, 1:], axis1=-2, axis2=-1) / abnormal
        lenient = 100 * matrices[..., 1:, 1:].sum((-2, -1)) / abnormal
    values = ((sp + strict) / 2, (sp + lenient) / 2, sp, strict, lenient)
    return {name: np.asarray(value, dtype=np.float64) for name, value in zip(FIGURES, values, strict=True)}


def draw(size: int, *, resamples: int, seed: int) -> Counts:
    """Return how often each of `size` patients is in each resample, ``(resamples, size)``; rows sum to `size`."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(size, np.full(size, 1 / size), size=resamples)


def resample(weights: Counts, matrices: Counts) -> Figures:
    """Return the figures of every resample, each ``(resamples,)``, of the patients' matrices."""
    size, classes, _ = matrices.shape
    return figures((weights @ matrices.reshape(size, classes**2)).reshape(-1, classes, classes))


def intervals(weights: Counts, matrices: Counts, confidence: float) -> Intervals:
    """Return the percentile interval of each figure; those with too few patients (`FEWEST_PATIENTS`) are absent."""
    normal = np.count_nonzero(matrices[:, 0].sum(-1))
    abnormal = np.count_nonzero(matrices[:, 1:].sum((-2, -1)))
    enough = {"sp": normal, "se_strict": abnormal, "se_lenient": abnormal}
    return {
        name: interval(values, confidence)
        for name, values in resample(weights, matrices).items()
        if enough.get(name, min(normal, abnormal)) >= FEWEST_PATIENTS
    }


def interval(values: npt.NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Return the percentile interval of the defined values of resamples; NaN where none is defined."""
    if np.isnan(values).all():
        return float("nan"), float("nan")
    tail = 50 * (1 - confidence)
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return float(low), float(high)


def difference(
    weights: Counts, one: list[Counts], other: list[Counts], confidence: float
) -> dict[str, dict[str, float]]:
    """Return how much the mean figures of `one` exceed those of `other`, with paired intervals, for both Scores.

    Args:
        weights: Of the patients in each resample.
        one: The patients' matrices of each model on the one side.
        other: Those on the other side.
        confidence: Of the interval, such as 0.95.
    """
    result = {}
    for name in FIGURES[:2]:
        point = _mean(name, [figures(matrices.sum(0)) for matrices in one]) - _mean(
            name, [figures(matrices.sum(0)) for matrices in other]
        )
        drawn = _mean(name, [resample(weights, matrices) for matrices in one]) - _mean(
            name, [resample(weights, matrices) for matrices in other]
        )
        low, high = interval(drawn, confidence)
        result[name] = {"difference": float(point), "low": low, "high": high}
    return result


def _mean(name: str, parts: list[Figures]) -> npt.NDArray[np.float64]:
    return np.asarray(np.mean([part[name] for part in parts], axis=0))
