"""Means over patients with intervals of Student's t."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from tasks.subsets.patients import number

MIN_PATIENTS = 3  # with fewer there is no interval
DIGITS = 4


def mean(
    values: npt.ArrayLike,
    patients: Sequence[str],
    confidence: float,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> dict[str, float | int | None]:
    """Return the mean over patients of each patient's mean, with its interval, as ``{mean, low, high, patients}``.

    There is no interval if all patients have one mean: the variance is then unknown, not 0.

    Args:
        values: A value of each cycle; NaN where it is undefined.
        patients: Patient of each cycle.
        confidence: Confidence level, such as 0.95.
        bounds: Smallest and largest possible value, beyond which no limit lies.
    """
    found = np.asarray(values, dtype=np.float64)
    defined = ~np.isnan(found)
    _, index = number([patient for patient, known in zip(patients, defined, strict=True) if known])
    counts = np.bincount(index)
    means = np.bincount(index, weights=found[defined]) / counts
    size = len(means)
    result: dict[str, float | int | None] = {"mean": None, "low": None, "high": None, "patients": size}
    if size == 0:
        return result
    result["mean"] = _rounded(means.mean())
    if size >= MIN_PATIENTS and not np.allclose(means, means[0]):
        margin = float(stdtrit(size - 1, (1 + confidence) / 2)) * means.std(ddof=1) / np.sqrt(size)
        low, high = np.clip([means.mean() - margin, means.mean() + margin], *bounds)
        result |= {"low": _rounded(low), "high": _rounded(high)}
    return result


def _rounded(value: float) -> float:
    """Return a figure with `DIGITS` decimals; a zero has no sign."""
    return round(float(value), DIGITS) + 0.0
