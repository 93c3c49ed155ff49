"""Settings of validation, as `validate` of params.yaml gives them."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Level = Literal["error", "warning"]
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
    age: tuple[float, float]
    bmi: tuple[float, float]
    weight_kg: tuple[float, float]
    height_cm: tuple[float, float]
    sample_rate: tuple[float, float]
    bit_depth: tuple[float, float]
    duration_s: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class QualityLimits:
    """Upper limits of a recording's disturbances (measured by `tasks.audio.quality`)."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    max_clipped_fraction: float
    max_constant_s: float
    max_dc_offset: float
    max_silent_fraction: float


@dataclass(frozen=True, kw_only=True)
class ValidationSettings:
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
    cycle_s: tuple[float, float]
    time_tolerance_s: float
    quality: QualityLimits
    unusable: QualityLimits
