"""Reference distributions of a model: what it learned from, and what it says about recordings of new patients.

The unit is the recording. A recording with many cycles counts once, so that long recordings do not decide alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 10  # bins between the smallest and the largest value, each with as many recordings
MARGIN = 1e-3  # part of the largest value by which the outer edges are beyond it

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Recordings that the model learned from, one value each.

    Attributes:
        patient: Patient of each recording.
        level_dbfs: Level in dB of full scale; None for a constant.
        centroid_hz: Spectral centroid in Hz; None for a constant.
        duration_s: Length in seconds.
        sample_rate: Sample rate of the file in Hz.
        device: Device; None if it is unknown.
        usable: Whether the recording is within the limits of quality.
    """

    patient: Sequence[str]
    level_dbfs: Sequence[float | None]
    centroid_hz: Sequence[float | None]
    duration_s: Sequence[float]
    sample_rate: Sequence[int]
    device: Sequence[str | None]
    usable: Sequence[bool]


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Cycles that the model has not learned from, one value each.

    Attributes:
        recording: Recording of each cycle.
        patient: Patient of each cycle.
        decision: Decision, as `tasks.prediction.judgement` names it.
        predicted: Class.
        confidence: Largest calibrated probability, 0 to 1.
        distance: Distance from the training embeddings; none for a model without it.
    """

    recording: Sequence[str]
    patient: Sequence[str]
    decision: Sequence[str]
    predicted: Sequence[str]
    confidence: Sequence[float]
    distance: Sequence[float] = ()


def reference(inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
    """Return the reference distributions for `model.json`; docs/design.md describes the keys.

    Args:
        inputs: Recordings of the training patients.
        outputs: Cycles of patients that the model has not learned from, such as the validation patients.
    """
    names, of_recording = np.unique(np.asarray(outputs.recording, dtype=str), return_inverse=True)
    weights = 1 / np.bincount(of_recording)[of_recording] if len(names) else np.zeros(0)
    found: dict[str, Any] = {
        "recordings": len(inputs.patient),
        "patients": len(set(inputs.patient)),
        "level_dbfs": _numbers(inputs.level_dbfs),
        "centroid_hz": _numbers(inputs.centroid_hz),
        "duration_s": _numbers(inputs.duration_s),
        "sample_rate": _categories([str(rate) for rate in inputs.sample_rate]),
        "device": _categories(inputs.device),
        "not_judged": round(1 - float(np.mean(inputs.usable)), 6) if len(inputs.usable) else None,
        "outputs": {"recordings": len(names), "patients": len(set(outputs.patient)), "cycles": len(outputs.recording)},
        "decisions": _categories(outputs.decision, weights),
        "predicted": _categories(outputs.predicted, weights),
        "confidence": _numbers(outputs.confidence, weights),
    }
    if len(outputs.distance):
        found["distance"] = _numbers(outputs.distance, weights)
    return found


def counts(edges: Sequence[float], values: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Values:
    """Return the weight of the values in each bin ``(edges + 1,)``; the first and the last bin have no outer end.

    Args:
        edges: Ascending edges; a bin holds its lower edge.
        values: Finite values ``(values,)``.
        weights: Weight of each value; 1 by default.
    """
    places = np.searchsorted(np.asarray(edges), np.asarray(values, dtype=np.float64), side="right")
    weight = np.ones(len(places)) if weights is None else np.asarray(weights, dtype=np.float64)
    return np.bincount(places, weights=weight, minlength=len(edges) + 1).astype(np.float64)


def _numbers(values: Sequence[float | None], weights: Values | None = None) -> dict[str, list[float]] | None:
    """Return edges at the quantiles of the values, and the share in each bin; None without a value.

    The outer edges are just beyond the smallest and the largest value, so that the outer bins are empty here and show
    values that were never seen.
    """
    given = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    known = np.isfinite(given)
    given, weight = given[known], np.ones(int(known.sum())) if weights is None else weights[known]
    if not len(given):
        return None
    order = np.argsort(given, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    inner = given[order][np.searchsorted(reached, np.arange(1, BINS) / BINS - 1e-9)]
    margin = MARGIN * float(np.abs(given).max()) or MARGIN
    low, high = float(given.min()) - margin, float(given.max()) + margin
    edges = [float(f"{edge:.6g}") for edge in np.unique([low, *inner, high])]
    edges = sorted(set(edges))
    shares = counts(edges, given, weight) / weight.sum()
    return {"edges": edges, "shares": [round(float(share), 6) for share in shares]}


def _categories(values: Sequence[str | None], weights: Values | None = None) -> dict[str, float]:
    """Return the share of each known value."""
    weight = np.ones(len(values)) if weights is None else weights
    total: dict[str, float] = {}
    for value, one in zip(values, weight, strict=True):
        if value is not None:
            total[value] = total.get(value, 0.0) + float(one)
    return {value: round(one / sum(total.values()), 6) for value, one in sorted(total.items())}
