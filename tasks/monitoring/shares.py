"""Shares of recordings and segments by decision, with limits over recordings."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.monitoring.results import Share, Verdict
from tasks.monitoring.settings import Thresholds
from tasks.prediction.use_entries import NOT_JUDGED, Entry

NORMAL = 1.96  # quantile of the normal distribution for limits of 95 %
TITLES = {
    NOT_JUDGED: "recordings not judged",
    "uncertain": "segments uncertain",
    "unlike": "segments unlike the training",
}


def compare(reference: Mapping[str, Any], entries: Sequence[Entry], thresholds: Thresholds) -> tuple[Share, ...]:
    """Return the share of each decision, compared with the reference; each recording counts the same.

    The reference judges whole recordings by their quality, so that a recording counts as not judged if none of its
    segments is judged. The other shares are those of the remaining segments.

    Args:
        reference: `reference` of the model's card.
        entries: Entries of one period.
        thresholds: Thresholds of alerts.
    """
    expected = {NOT_JUDGED: reference.get("not_judged")}
    if decisions := reference.get("decisions"):
        expected |= {name: decisions.get(name, 0.0) for name in TITLES if name != NOT_JUDGED}
    return tuple(_share(name, entries, expected.get(name), thresholds) for name in TITLES)


def _share(name: str, entries: Sequence[Entry], expected: float | None, thresholds: Thresholds) -> Share:
    """Return one share, and whether its limits are further from the reference than the threshold."""
    judged = [(one, one.segments - one.decisions.get(NOT_JUDGED, 0)) for one in entries]
    if name == NOT_JUDGED:
        parts = np.array([float(not number) for _, number in judged])
    else:
        parts = np.array([one.decisions.get(name, 0) / number for one, number in judged if number])
    if not len(parts):
        return Share(name=name, verdict="not logged", expected=expected)
    value = float(parts.mean())
    if len(parts) < thresholds.recordings:
        return Share(name=name, verdict="too few", value=value, expected=expected)
    low, high = _limits(parts)
    verdict: Verdict = "no reference"
    if expected is not None:
        changed = low > expected + thresholds.share or high < expected - thresholds.share
        verdict = "drift" if changed else "none"
    return Share(name=name, verdict=verdict, value=value, low=low, high=high, expected=expected)


def _limits(parts: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return Wilson's limits of the mean of each recording's share.

    The number of observations is the one that gives the variance over recordings, and at most that of recordings.
    """
    number, p = len(parts), float(parts.mean())
    variance = float(parts.var()) / number
    weight = NORMAL**2 / (min(number, p * (1 - p) / variance) if variance > 0 else number)
    half = math.sqrt(weight * p * (1 - p) + weight**2 / 4)
    return (p + weight / 2 - half) / (1 + weight), (p + weight / 2 + half) / (1 + weight)
