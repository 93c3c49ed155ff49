"""Shares of segments by decision, with limits over recordings."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.monitoring.results import Share
from tasks.monitoring.settings import Thresholds
from tasks.prediction.use_log import NOT_JUDGED, Entry

NORMAL = 1.96  # quantile of the normal distribution for limits of 95 %
TITLES = {NOT_JUDGED: "not judged", "uncertain": "uncertain", "unlike": "unlike the training"}


def compare(reference: Mapping[str, Any], entries: Sequence[Entry], thresholds: Thresholds) -> tuple[Share, ...]:
    """Return the share of segments of each decision, compared with the reference; each recording counts the same.

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
    """Return one share; segments that are not judged belong to no other share."""
    left_out = [0 if name == NOT_JUDGED else one.decisions.get(NOT_JUDGED, 0) for one in entries]
    totals = [one.segments - left for one, left in zip(entries, left_out, strict=True)]
    parts = np.array([one.decisions.get(name, 0) / all_ for one, all_ in zip(entries, totals, strict=True) if all_])
    if not len(parts):
        return Share(name=name, verdict="not logged", expected=expected)
    value = float(parts.mean())
    if len(parts) < thresholds.recordings:
        return Share(name=name, verdict="too few", value=value, expected=expected)
    low, high = _limits(parts)
    raised = low > (expected or 0.0) + thresholds.share
    return Share(name=name, verdict="drift" if raised else "none", value=value, low=low, high=high, expected=expected)


def _limits(parts: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return Wilson's limits of the mean of each recording's share.

    The number of observations is the one that gives the variance over recordings, and at most that of recordings.
    """
    number, p = len(parts), float(parts.mean())
    variance = float(parts.var()) / number
    weight = NORMAL**2 / (min(number, p * (1 - p) / variance) if variance > 0 else number)
    half = math.sqrt(weight * p * (1 - p) + weight**2 / 4)
    return (p + weight / 2 - half) / (1 + weight), (p + weight / 2 + half) / (1 + weight)
