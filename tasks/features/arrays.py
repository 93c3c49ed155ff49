"""Features as float16 arrays, and their statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from models.frontends.settings import Pad

LEAST, FIRST_INFINITE = 0x3880_0000, 0x477F_F000  # bits of 2⁻¹⁴ and 65,520 as float32: float16's normal numbers
REBIAS = (127 - 15) << 10  # difference between the exponents' offsets of float32 and float16, behind ten bits
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


def compute(front_end: CacheFrontEnd, waveforms: Sequence[Waveform]) -> tuple[Features, Statistics]:
    """Return the features (cycles, frames, mels) float16 of cycles of any length (samples,), and their statistics.

    Values beyond the range of float16 become infinite; the sums of the statistics show them.

    Raises:
        ValueError: A cycle has no samples.
    """
    features = np.empty((len(waveforms), front_end.frames, front_end.mels), dtype=np.float16)
    statistics = Statistics.none(front_end.mels)
    with np.errstate(over="ignore", invalid="ignore"):
        for row, waveform in zip(features, waveforms, strict=True):
            statistics += Statistics.of(round_to_half(front_end(front_end.clip(waveform)), row))
    return features, statistics


def round_to_half(values: npt.NDArray[Any], out: Features) -> npt.NDArray[Any]:
    """Write values to an array of float16 as numpy rounds them, and return the rounded values as float32 or float16.

    numpy rounds number by number. Here the bits of all numbers are rounded at once, in half the time. Only numbers that
    are not normal in float16 (zero, tiny, too large, not finite) are left to numpy.

    Args:
        values: Values of any shape.
        out: Array of the same shape, contiguous in memory.
    """
    if values.dtype != np.float32 or not values.flags.c_contiguous:
        out[...] = values
        return out
    bits = values.view(np.uint32)
    rounded = bits >> 13
    rounded &= 1
    rounded += 0xFFF  # to the nearest, and of two equally near ones to the even one
    rounded += bits
    rounded &= 0xFFFF_E000
    codes = rounded >> 13
    codes -= REBIAS
    signs = bits >> 16
    signs &= 0x8000
    codes |= signs
    out.view(np.uint16)[...] = codes  # the lower halves
    magnitudes = np.bitwise_and(bits, 0x7FFF_FFFF, out=signs)
    magnitudes -= LEAST
    found = rounded.view(np.float32)
    others = np.flatnonzero(magnitudes >= FIRST_INFINITE - LEAST)
    if len(others):
        out.reshape(-1)[others] = values.reshape(-1)[others]
        found.reshape(-1)[others] = out.reshape(-1)[others]
    return found


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
                total=np.einsum("ij->j", values),
                squares=np.einsum("ij,ij->j", values, values),
                low=float(features.min()) + 0.0,  # zero without a sign
                high=float(features.max()) + 0.0,
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
