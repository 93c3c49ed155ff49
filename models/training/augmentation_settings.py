"""Settings of the augmentations: ``specaugment``, ``waveform`` and ``freq_mixstyle`` in params.yaml."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval


@dataclass(frozen=True, kw_only=True)
class SpecAugmentSettings:
    """Settings of SpecAugment."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    # name of a published policy: number and width of the masks (see `models.training.specaugment`)
    policy: Literal["none", "LB", "LD", "SM", "SS", "icbhi_sup", "icbhi_ast_sup"] = "none"
    fill: Literal["mean", "zero"] = "mean"  # value of masked bins: the mean of the sample, or zero
    # distribution of the draw that decides whether a sample is changed; `reference` is that of the published code (see
    # `SpecAugment`)
    gate: Literal["uniform", "reference"] = "uniform"
    # `sample`: each sample has masks of its own; `batch`: all samples share them, as in work (b)
    per: Literal["sample", "batch"] = "sample"


@dataclass(frozen=True, kw_only=True)
class WaveformSettings:
    """Settings of gain, equalisation and noise of the waveform."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    # half-width of the gain's range: amplitudes are multiplied by U(1 − gain, 1 + gain); 0.1 as published
    gain: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    # largest gain in dB of a random smooth curve over the mel bins, which imitates the response of another device
    equalization_db: Annotated[float, Interval(ge=0, le=60)] = 0.0
    # standard deviation of the white noise relative to full scale; 0.0001 as published
    noise_sd: Annotated[float, Interval(ge=0, le=1)] = 0.0
    probability: Annotated[float, Interval(ge=0, le=1)] = 0.5  # probability of each of the three for a sample


@dataclass(frozen=True, kw_only=True)
class FreqMixStyleSettings:
    """Settings of Freq-MixStyle."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    probability: Annotated[float, Interval(ge=0, le=1)] = 0.0  # probability that a batch is changed; 0.4 as published
    alpha: Annotated[float, Interval(ge=0.001, le=1000)] = 0.3  # parameter α of λ ~ Beta(α, α); 0.3 as published
