"""Settings of validation, as `validate` of params.yaml gives them."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Interval

Level = Literal["error", "warning"]
Bounds = tuple[Annotated[float, Ge(0)], Annotated[float, Ge(0)]]  # lowest and highest value
SHOWN = 10  # rows at fault that a verdict names


@dataclass(frozen=True, kw_only=True)
class Severity:
    """Meaning of a failure, by family of checks: an error stops the graph, a warning is shown and recorded."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    required: Level
    names: Level
    uniqueness: Level
    references: Level
    domains: Level
    ranges: Level
    labels: Level
    times: Level
    counts: Level
    splits: Level
    unusable: Level
    quality: Level
    duplicates: Level
    lengths: Level
    completeness: Level
    oddities: Level

    def of(self, family: str) -> Level:
        """Return the level of a family."""
        level: Level = getattr(self, family)
        return level


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """Plausible values, both ends included, in years, kg/m², kg, cm, Hz, bits and seconds."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    age: Bounds
    bmi: Bounds
    weight_kg: Bounds
    height_cm: Bounds
    sample_rate: Bounds
    bit_depth: Bounds
    duration_s: Bounds

    def __post_init__(self) -> None:
        for name, bounds in vars(self).items():
            _check_order(name, bounds)


@dataclass(frozen=True, kw_only=True)
class QualityLimits:
    """Upper limits of a recording's disturbances (measured by `tasks.audio.quality`)."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    max_clipped_fraction: Annotated[float, Interval(ge=0, le=1)]
    max_constant_s: Annotated[float, Ge(0)]
    max_dc_offset: Annotated[float, Interval(ge=0, le=1)]
    max_silent_fraction: Annotated[float, Interval(ge=0, le=1)]
    max_peak: Annotated[float, Ge(0)]
    max_mix_loss_db: Annotated[float, Ge(0)]


@dataclass(frozen=True, kw_only=True)
class UnusableLimits(QualityLimits):
    """Limits beyond which a recording is unusable."""

    min_duration_s: Annotated[float, Ge(0)]


@dataclass(frozen=True, kw_only=True)
class CheckSettings:
    """Thresholds and severities.

    Attributes:
        severity: Meaning of a failure by family of checks.
        ranges: Plausible values.
        cycle_s: Usual length of a cycle in seconds, from the shortest to the longest.
        time_tolerance_s: Allowed overlap of cycles with each other and with the end of the recording, in seconds.
        quality: Limits of disturbances beyond which a recording is of poor quality.
        unusable: Limits of disturbances beyond which a recording is unusable.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    severity: Severity
    ranges: Ranges
    cycle_s: Bounds
    time_tolerance_s: Annotated[float, Ge(0)]
    quality: QualityLimits
    unusable: UnusableLimits

    def __post_init__(self) -> None:
        _check_order("cycle_s", self.cycle_s)


def _check_order(name: str, bounds: Bounds) -> None:
    if bounds[0] > bounds[1]:
        raise ValueError(f"{name}: the lowest value, then the highest")
