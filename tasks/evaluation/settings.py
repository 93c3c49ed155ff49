"""Settings of the evaluation: ``evaluation`` in params.yaml."""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from annotated_types import Interval

from tasks.runtime.value_types import Seed


@dataclass(frozen=True, kw_only=True)
class AugmentationSettings:
    """Test-time augmentation."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    # number of shifted clips of a cycle, whose mean probabilities count; 1: the clip itself alone
    shifts: Annotated[int, Interval(ge=1, le=100)] = 1


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """The settings of intervals, paired tests, the calibration, predictive values and test-time augmentation."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    confidence: Annotated[float, Interval(gt=0, lt=1)]
    resamples: Annotated[int, Interval(ge=1, le=1_000_000)]
    seed: Seed
    calibration_bins: Annotated[int, Interval(ge=1, le=1000)]
    # of abnormal cycles, for PPV and NPV; None for that of the test cycles
    prevalence: Annotated[float, Interval(gt=0, lt=1)] | None = None
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)
