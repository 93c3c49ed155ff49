"""Features as float16 arrays, and their statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from models.frontends.settings import Pad

Features = npt.NDArray[np.float16]
Sums = npt.NDArray[np.float64]
Waveform = npt.NDArray[np.float32]


class CacheFrontEnd(Protocol):
    """Front end from arrays to arrays (`models.frontends.registry.create_array`)."""

    name: str
    sample_rate: int
    frames: int
    mels: int
    pad: Pad
    fade: bool

    def clip(self, waveform: Waveform) -> Waveform:
        """Return the clip (samples,) of a cycle of any length."""

    def __call__(self, clip: Waveform) -> npt.NDArray[Any]:
        """Return the features (frames, mels) of a clip (samples,)."""


def compute(front_end: CacheFrontEnd, waveforms: Sequence[Waveform]) -> Features:
    """Return the features (cycles, frames, mels) float16 of cycles of any length, each of shape (samples,).

    Values beyond the range of float16 become infinite; the sums of `Statistics` show them.

    Raises:
        ValueError: A cycle has no samples.
    """
    features = np.empty((len(waveforms), front_end.frames, front_end.mels), dtype=np.float16)
    with np.errstate(over="ignore", invalid="ignore"):
        for row, waveform in zip(features, waveforms, strict=True):
            row[:] = front_end(front_end.clip(waveform))
    return features


@dataclass(frozen=True)
class Statistics:
    """Sums over features in float64, for mean and standard deviation; statistics of parts can be added."""

    values: int  # number of values in each mel bin
    total: Sums  # sum per mel bin, shape (mels,)
    squares: Sums  # sum of squares per mel bin, shape (mels,)
    low: float  # smallest value
    high: float  # largest value

    @classmethod
    def none(cls, mels: int) -> Statistics:
        """Return the statistics of no values, as the start of a sum."""
        return cls(values=0, total=np.zeros(mels), squares=np.zeros(mels), low=math.inf, high=-math.inf)

    @classmethod
    def of(cls, features: npt.NDArray[Any]) -> Statistics:
        """Return the statistics of features (…, mels); one cycle at a time is fastest."""
        values = features.astype(np.float64).reshape(-1, features.shape[-1])
        with np.errstate(invalid="ignore"):
            return cls(
                values=len(values),
                total=values.sum(axis=0),
                squares=np.einsum("ij,ij->j", values, values),
                low=float(values.min()),
                high=float(values.max()),
            )

    def __add__(self, other: Statistics) -> Statistics:
        return Statistics(
            self.values + other.values,
            self.total + other.total,
            self.squares + other.squares,
            min(self.low, other.low),
            max(self.high, other.high),
        )

    def card(self) -> dict[str, float | list[float]]:
        """Return mean and standard deviation, overall and per mel bin, and the extremes as JSON values."""
        means = self.total / self.values
        mean, squares = means.mean(), self.squares / self.values
        return {
            "mean": float(mean),
            "sd": math.sqrt(max(0.0, squares.mean() - mean**2)),
            "min": self.low,
            "max": self.high,
            "mean_per_mel": means.tolist(),
            "sd_per_mel": np.sqrt(np.maximum(squares - means**2, 0)).tolist(),
        }
