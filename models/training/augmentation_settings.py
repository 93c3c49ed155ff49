"""Settings of the augmentations: ``specaugment`` and ``waveform`` in params.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from models.training.ranges import require


@dataclass(frozen=True, kw_only=True)
class SpecAugmentSettings:
    """Settings of SpecAugment.

    Attributes:
        policy: Name of a published policy: number and width of the masks (see `models.training.specaugment`).
        fill: Value of masked bins: the mean of the sample, or zero.
        gate: Distribution of the draw that decides whether a sample is changed; ``reference`` is that of the published
            code (see `SpecAugment`).
        per: ``sample``: each sample has masks of its own; ``batch``: all samples share them, as in work (b).
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    policy: Literal["none", "LB", "LD", "SM", "SS", "icbhi_sup", "icbhi_ast_sup"] = "none"
    fill: Literal["mean", "zero"] = "mean"
    gate: Literal["uniform", "reference"] = "uniform"
    per: Literal["sample", "batch"] = "sample"


@dataclass(frozen=True, kw_only=True)
class WaveformSettings:
    """Settings of gain and noise of the waveform.

    Attributes:
        gain: Half-width of the gain's range: amplitudes are multiplied by U(1 − gain, 1 + gain); 0.1 as published.
        noise_sd: Standard deviation of the white noise relative to full scale; 0.0001 as published.
        probability: Probability of each of the two for a sample.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    gain: float = 0.0
    noise_sd: float = 0.0
    probability: float = 0.5

    def __post_init__(self) -> None:
        require(gain=0 <= self.gain < 1, noise_sd=self.noise_sd >= 0, probability=0 <= self.probability <= 1)
