"""Settings of the soft labels: ``soft_labels`` in params.yaml; importing them needs no torch."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval

from tasks.runtime.value_types import Seed
from tasks.training.settings import ChoiceSettings

Variance = Annotated[float, Interval(ge=0, le=1_000_000)]


@dataclass(frozen=True, kw_only=True)
class SoftLabelSettings(ChoiceSettings):
    """Choice of the teachers, and combination of their logits into soft labels."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    # divisor of the logits for `mean` and `random`; 1 as published
    temperature: Annotated[float, Interval(ge=0.001, le=1000)] = 1.0
    # `mean`: mean of the logits. `random`: one of the k teachers at each use of a cycle. The other two are controls
    # without the cycle's logits and without temperature. `label_noise`: hard label with Gaussian noise of
    # `noise_variance`. `teacher_noise`: the same, with the variance of the k teachers' logits for each class.
    combination: Literal["mean", "random", "label_noise", "teacher_noise"] = "mean"
    # Variance of `label_noise`: one value for all classes, or one for each. Published values are 0.1 and the variances
    # of thirty teachers, (1.192, 0.906, 0.619, 0.358).
    noise_variance: Variance | tuple[Variance, ...] = 0.1
    seed: Seed = 0  # random seed of the noise

    def __post_init__(self) -> None:
        if self.combination == "teacher_noise" and self.k < 2:
            raise ValueError("k: at least 2, because teacher_noise needs the variance of k teachers")
        if self.combination.endswith("noise") and self.temperature != 1:
            raise ValueError(f"temperature: 1.0, because {self.combination} uses no logits")
