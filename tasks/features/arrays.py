"""Features as the cache holds them: float16, and what is counted over them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.frontends.base import FrontEnd


def compute(front_end: FrontEnd, waveforms: Sequence[Tensor]) -> Tensor:
    """Return the features (cycles, frames, mels) float16 of cycles of any length, each of shape (samples,).

    What float16 cannot hold comes out as infinite; `Statistics` has an eye on it.

    Raises:
        ValueError: A cycle has no samples.
    """
    features = torch.empty(len(waveforms), front_end.frames, front_end.mels, dtype=torch.float16)
    with torch.inference_mode():
        for row, waveform in zip(features, waveforms, strict=True):  # more clips at a time are slower on a CPU
            row.copy_(front_end(front_end.clip(waveform).unsqueeze(0))[0])
    return features


@dataclass(frozen=True)
class Statistics:
    """Sums over features, in float64, from which mean and standard deviation follow; parts add up.

    Attributes:
        values: How many values went into each mel bin.
        total: Sum per mel bin, shape (mels,).
        squares: Sum of squares per mel bin, shape (mels,).
        low: The smallest value.
        high: The largest value.
    """

    values: int
    total: Tensor
    squares: Tensor
    low: float
    high: float

    @classmethod
    def none(cls, mels: int) -> Statistics:
        """Return the statistics of nothing, from which a sum starts."""
        zeros = torch.zeros(mels, dtype=torch.float64)
        return cls(values=0, total=zeros, squares=zeros, low=math.inf, high=-math.inf)

    @classmethod
    def of(cls, features: Tensor) -> Statistics:
        """Return the statistics of features (…, mels); a cycle at a time is quickest."""
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
        """Return mean and standard deviation, over all and per mel bin, and the extremes, ready for JSON."""
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
