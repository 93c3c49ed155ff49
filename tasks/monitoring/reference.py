"""Reference distributions of a model: what it learned from, and what it says about recordings of new patients.

The unit is the recording. A recording with many cycles counts once, so that long recordings do not decide alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 10  # bins between the smallest and the largest value, each with as many recordings
MARGIN = 1e-3  # part of a value by which edges are beside it
CATEGORIES = ("sample_rate", "device", "decisions", "predicted")  # measures whose values are names

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
    """Return the reference distributions for `model.json`; docs/reference/artifacts.md describes the keys.

    Args:
        inputs: Recordings of the training patients.
        outputs: Cycles of patients that the model has not learned from, such as the validation patients.
    """
    names, of_recording = np.unique(np.asarray(outputs.recording, dtype=str), return_inverse=True)
    each = np.ones(len(inputs.patient))
    parts = 1 / np.bincount(of_recording)[of_recording] if len(names) else np.zeros(0)
    measures: dict[str, tuple[Sequence[Any], Values, Sequence[str]]] = {
        "level_dbfs": (inputs.level_dbfs, each, inputs.patient),
        "centroid_hz": (inputs.centroid_hz, each, inputs.patient),
        "duration_s": (inputs.duration_s, each, inputs.patient),
        "sample_rate": ([str(rate) for rate in inputs.sample_rate], each, inputs.patient),
        "device": (inputs.device, each, inputs.patient),
        "decisions": (outputs.decision, parts, outputs.patient),
        "predicted": (outputs.predicted, parts, outputs.patient),
        "confidence": (outputs.confidence, parts, outputs.patient),
        "distance": (outputs.distance, parts[: len(outputs.distance)], outputs.patient[: len(outputs.distance)]),
    }
    found = {name: _distribution(*measure, numbers=name not in CATEGORIES) for name, measure in measures.items()}
    return {
        "recordings": len(inputs.patient),
        "patients": len(set(inputs.patient)),
        "outputs": {"recordings": len(names), "patients": len(set(outputs.patient)), "cycles": len(outputs.recording)},
        "not_judged": round(1 - float(np.mean(inputs.usable)), 6) if len(inputs.usable) else None,
        **{name: shares for name, (shares, _) in found.items() if shares},
        "effective": {name: size for name, (shares, size) in found.items() if shares},
    }


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


def _distribution(
    values: Sequence[Any], weights: Values, patients: Sequence[str], *, numbers: bool
) -> tuple[dict[str, Any], float]:
    """Return the shares of known values in bins, and the effective number of values; nothing without a value.

    Args:
        values: Finite numbers, or names; None and other numbers are unknown.
        weights: Weight of each value.
        patients: Patient of each value.
        numbers: Whether the values are numbers.
    """
    kept = [one is not None and (not numbers or math.isfinite(one)) for one in values]
    known = [one for one, keep in zip(values, kept, strict=True) if keep]
    if not known:
        return {}, 0.0
    weight = np.asarray(weights)[kept]
    if numbers:
        edges = _edges(np.array(known, dtype=np.float64), weight)
        places = np.searchsorted(edges, known, side="right")
        names = [str(place) for place in range(len(edges) + 1)]
    else:
        names = sorted(set(known))
        places = np.array([names.index(one) for one in known])
    shares = np.bincount(places, weights=weight, minlength=len(names)) / weight.sum()
    rounded = [round(float(share), 6) for share in shares]
    groups = np.unique(np.asarray(patients)[kept], return_inverse=True)[1]
    member = np.eye(len(names))[places]
    if numbers:  # the test compares cumulative shares
        member = member.cumsum(axis=1)
    size = round(_effective(member, weight / weight.sum(), groups), 1)
    return ({"edges": edges, "shares": rounded} if numbers else dict(zip(names, rounded, strict=True))), size


def _edges(values: Values, weights: Values) -> list[float]:
    """Return ascending edges: the quantiles of the values, and one beyond each end.

    The outer bins are therefore empty in the reference, and show values that were never seen. A value that makes up
    several quantiles, such as a usual duration, has a bin of its own.
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    inner, times = np.unique(
        values[order][np.searchsorted(reached, np.arange(1, BINS) / BINS - 1e-9)], return_counts=True
    )
    beside = [(value, MARGIN * abs(value) or MARGIN) for value in (values.min(), values.max(), *inner[times > 1])]
    ends = [beside[0][0] - beside[0][1], beside[1][0] + beside[1][1]]
    frequent = [edge for value, margin in beside[2:] for edge in (value - margin, value + margin)]
    return sorted({float(f"{edge:.6g}") for edge in (*ends, *inner[times == 1], *frequent)})


def _effective(member: Values, weights: Values, groups: npt.NDArray[np.int64]) -> float:
    """Return the number of independent values whose shares would vary as much as these do over patients.

    It is Kish's effective sample size: the variances of shares of independent values over those between patients, both
    summed over the shares. It is at least the number of patients and at most that of the values.

    Args:
        member: Whether each value counts in each share ``(values, shares)``: 1 or 0.
        weights: Weight of each value; they sum to 1.
        groups: Number of the patient of each value, from 0.
    """
    shares = weights @ member
    patients = int(groups.max()) + 1
    residuals = np.zeros((patients, len(shares)))
    np.add.at(residuals, groups, weights[:, np.newaxis] * (member - shares))
    variance = float((residuals**2).sum()) * patients / max(patients - 1, 1)
    size = float((shares * (1 - shares)).sum()) / variance if variance > 0 else len(member)
    return float(min(max(size, patients), len(member)))
