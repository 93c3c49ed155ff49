"""How features are augmented: the typed form of `specaugment` and `waveform` in params.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from models.training.ranges import require


@dataclass(frozen=True, kw_only=True)
class SpecAugmentSettings:
    """Which masks, what fills them, how the gate is drawn (`reference`: the published slip), and for whom.

    Attributes:
        per: ``sample``: each has masks of its own; ``batch``: all have the same ones, as in work (b).
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    policy: Literal["none", "LB", "LD", "SM", "SS", "icbhi_sup", "icbhi_ast_sup"] = "none"
    fill: Literal["mean", "zero"] = "mean"
    gate: Literal["uniform", "reference"] = "uniform"
    per: Literal["sample", "batch"] = "sample"


@dataclass(frozen=True, kw_only=True)
class WaveformSettings:
    """Gain and noise of the waveform, as they show in log mel energies.

    Attributes:
        gain: Amplitudes are multiplied by U(1 − gain, 1 + gain); 0.1 as published, 0: never.
        noise_sd: Standard deviation of white noise, of full scale; 0.0001 as published, 0: none.
        probability: How often each of the two happens.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    gain: float = 0.0
    noise_sd: float = 0.0
    probability: float = 0.5

    def __post_init__(self) -> None:
        require(gain=0 <= self.gain < 1, noise_sd=self.noise_sd >= 0, probability=0 <= self.probability <= 1)
