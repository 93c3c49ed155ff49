"""Drift of a log of use from the reference of its model.

The unit is the recording: segments of one recording resemble each other. The tests see one segment of each recording,
drawn by the hash of the file. The PSI sees all logged segments, and each recording counts the same.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tasks.evaluation.paired_tests import holm
from tasks.monitoring import comparison, shares
from tasks.monitoring.bins import of as bins_of
from tasks.monitoring.results import Measure, Period
from tasks.monitoring.settings import Thresholds
from tasks.prediction.use_entries import Entry


@dataclass(frozen=True)
class Kind:
    """Kind of a measure.

    Attributes:
        title: Name for people.
        values: Function from an entry to its values; none where a recording has no value.
    """

    title: str
    values: Callable[[Entry], Sequence[Any]]


def _one(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)


def _classes(entry: Entry) -> list[str]:
    return [name for name, number in entry.predicted.items() for _ in range(number)]


def _rate(entry: Entry) -> tuple[str, ...]:
    return () if entry.sample_rate is None else (str(entry.sample_rate),)


KINDS = {
    "level_dbfs": Kind("level, dBFS", lambda entry: _one(entry.level_dbfs)),
    "centroid_hz": Kind("spectral centroid, Hz", lambda entry: _one(entry.centroid_hz)),
    "duration_s": Kind("duration, s", lambda entry: _one(entry.seconds)),
    "sample_rate": Kind("sample rate, Hz", _rate),
    "device": Kind("device", lambda entry: _one(entry.device)),
    "predicted": Kind("predicted class", _classes),
    "confidence": Kind("confidence", lambda entry: entry.confidence),
    "distance": Kind("distance from training", lambda entry: entry.distance),
}


def compare(
    reference: Mapping[str, Any], periods: Iterable[tuple[str, Sequence[Entry]]], thresholds: Thresholds
) -> tuple[Period, ...]:
    """Return the comparison of each period; Holm's correction is over all measures of all periods.

    Args:
        reference: `reference` of the model's card.
        periods: Entries of each period with its name; each file once.
        thresholds: Thresholds of alerts.
    """
    found = [
        Period(
            name=name,
            recordings=len(entries),
            segments=sum(entry.segments for entry in entries),
            measures=tuple(_measure(key, reference, entries, thresholds) for key in KINDS),
            shares=shares.compare(reference, entries, thresholds),
        )
        for name, entries in periods
    ]
    corrected = iter(holm([measure.p for period in found for measure in period.measures]))
    return tuple(
        replace(period, measures=tuple(_judged(one, next(corrected), thresholds) for one in period.measures))
        for period in found
    )


def _judged(measure: Measure, p: float | None, thresholds: Thresholds) -> Measure:
    """Return a measure with its corrected p-value, and the verdict that follows."""
    if p is None or measure.psi is None:
        return measure
    return replace(measure, p=p, verdict="drift" if measure.psi >= thresholds.psi and p < thresholds.p else "none")


def _measure(name: str, reference: Mapping[str, Any], entries: Sequence[Entry], thresholds: Thresholds) -> Measure:
    """Return the comparison of one distribution, with its p-value before the correction."""
    kind, expected = KINDS[name], reference.get(name)
    rows = {entry.file_sha256: values for entry in entries if (values := kind.values(entry))}
    if not expected:
        return Measure(name=name, recordings=len(rows), verdict="no reference")
    if not rows:
        return Measure(name=name, recordings=0, verdict="not logged")
    bins = bins_of(expected, rows.values())
    found = np.mean([bins.place(values) / len(values) for values in rows.values()], axis=0)
    measure = Measure(
        name=name,
        recordings=len(rows),
        verdict="too few",
        bins=bins.names,
        reference=tuple(map(float, bins.shares)),
        found=tuple(map(float, found)),
    )
    if len(rows) < thresholds.recordings:
        return measure
    size = reference["effective"][name]
    drawn = bins.place([values[zlib.crc32(name.encode()) % len(values)] for name, values in rows.items()])
    return replace(
        measure,
        psi=comparison.psi(bins.shares, size, found, len(rows)),
        p=bins.p_value(bins.shares, size, drawn),
    )
