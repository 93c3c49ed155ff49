"""Features as float16 arrays, and their statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.frontends.base import FrontEnd


def compute(front_end: FrontEnd, waveforms: Sequence[Tensor]) -> Tensor:
    """Return the features (cycles, frames, mels) float16 of cycles of any length, each of shape (samples,).

    Values beyond the range of float16 become infinite; the sums of `Statistics` show them.

    Raises:
        ValueError: A cycle has no samples.
    """
    features = torch.empty(len(waveforms), front_end.frames, front_end.mels, dtype=torch.float16)
    with torch.inference_mode():
        for row, waveform in zip(features, waveforms, strict=True):  # larger batches are slower on a CPU
            row.copy_(front_end(front_end.clip(waveform).unsqueeze(0))[0])
    return features


@dataclass(frozen=True)
class Statistics:
    """Sums over features in float64, for mean and standard deviation; statistics of parts can be added."""

    values: int  # number of values in each mel bin
    total: Tensor  # sum per mel bin, shape (mels,)
    squares: Tensor  # sum of squares per mel bin, shape (mels,)
    low: float  # smallest value
    high: float  # largest value

    @classmethod
    def none(cls, mels: int) -> Statistics:
        """Return the statistics of no values, as the start of a sum."""
        zeros = torch.zeros(mels, dtype=torch.float64)
        return cls(values=0, total=zeros, squares=zeros, low=math.inf, high=-math.inf)

    @classmethod
    def of(cls, features: Tensor) -> Statistics:
        """Return the statistics of features (…, mels); one cycle at a time is fastest."""
        values = features.float().flatten(0, -2)
        low, high = values.aminmax()
        return cls(
            values=values.shape[0],
            total=values.sum(0, dtype=torch.float64),
            squares=values.square().sum(0, dtype=torch.float64),
            low=float(low),
            high=float(high),
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
            "sd": float((squares.mean() - mean.square()).clamp_min(0).sqrt()),
            "min": self.low,
            "max": self.high,
            "mean_per_mel": means.tolist(),
            "sd_per_mel": (squares - means.square()).clamp_min(0).sqrt().tolist(),
        }
