"""How a network is trained: the typed form of `teacher_training` and `student` in params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Subset = Literal["train", "val", "test"]
Selection = Literal["val", "paper"]


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Which network, on which front end, from which weights."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    architecture: str
    frontend: str
    weights: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
    """What is minimised."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    name: Literal["cross_entropy", "soft_labels"]
    label_smoothing: float
    class_weights: Literal["none", "balanced"]


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """How it is minimised; `rho` and `adaptive` belong to SAM."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    name: Literal["adamw", "sam"]
    lr: float
    weight_decay: float
    rho: float
    adaptive: bool
    clip_norm: float | None


@dataclass(frozen=True, kw_only=True)
class ScheduleSettings:
    """Linear warm-up, then a cosine down to `final_lr_fraction` of the learning rate; in epochs."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    epochs: int
    warmup_epochs: float
    final_lr_fraction: float


@dataclass(frozen=True, kw_only=True)
class SpecAugmentSettings:
    """Which masks, what fills them, and how the gate is drawn (`reference`: the published slip)."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    policy: str
    fill: Literal["mean", "zero"]
    gate: Literal["uniform", "reference"]


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """All that `fit` needs to know beyond the network, the data and the seed."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    objective: ObjectiveSettings
    optimizer: OptimizerSettings
    schedule: ScheduleSettings
    sampler: Literal["weighted", "shuffle"]
    batch_size: int
    specaugment: SpecAugmentSettings
    ema_decay: float
    patience: int


@dataclass(frozen=True, kw_only=True)
class ComputeSettings:
    """On what it runs."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "fp32", "bf16"]
    threads: int
