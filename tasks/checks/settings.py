"""The typed form of `validate` in params.yaml: what is expected, and what a failure means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Level = Literal["error", "warning"]


@dataclass(frozen=True, kw_only=True)
class Severity:
    """What a failure means, by family of expectations: an error stops the graph, a warning is shown and recorded."""

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
    """Values that can be, both ends included: years, kg/m², kg, cm, Hz, bits and seconds."""

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
    """The most of each kind of disturbance that a recording may have (`tasks.audio.quality` measures them)."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    max_clipped_fraction: float
    max_constant_s: float
    max_dc_offset: float
    max_silent_fraction: float


@dataclass(frozen=True, kw_only=True)
class ValidationSettings:
    """All thresholds, and what a failure means.

    `cycle_s` is the usual length of a cycle from the shortest to the longest; `time_tolerance_s` is how far cycles may
    reach into each other or beyond the recording.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    severity: Severity
    ranges: Ranges
    cycle_s: tuple[float, float]
    time_tolerance_s: float
    quality: QualityLimits
    unusable: QualityLimits
