"""How a network is trained: the typed form of `teacher_training` and `student` in params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Subset = Literal["train", "val", "test"]
Selection = Literal["val", "paper"]


def _require(**conditions: bool) -> None:
    """Refuse values that make no sense, such as NaN or a negative number of epochs."""
    wrong = [name for name, holds in conditions.items() if not holds]
    if wrong:
        raise ValueError(f"out of range: {', '.join(wrong)}")


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

    def __post_init__(self) -> None:
        _require(label_smoothing=0 <= self.label_smoothing < 1)
        if self.name == "soft_labels" and (self.label_smoothing or self.class_weights != "none"):
            raise ValueError("the objective soft_labels has no label_smoothing (0.0) and no class_weights (none)")


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

    def __post_init__(self) -> None:
        _require(
            lr=self.lr > 0,
            weight_decay=self.weight_decay >= 0,
            rho=self.rho >= 0,
            clip_norm=self.clip_norm is None or self.clip_norm > 0,
        )


@dataclass(frozen=True, kw_only=True)
class ScheduleSettings:
    """Linear warm-up, then a cosine down to `final_lr_fraction` of the learning rate; in epochs."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    epochs: int
    warmup_epochs: float
    final_lr_fraction: float

    def __post_init__(self) -> None:
        _require(
            epochs=self.epochs >= 1,
            warmup_epochs=0 <= self.warmup_epochs <= self.epochs,
            final_lr_fraction=0 <= self.final_lr_fraction <= 1,
        )


@dataclass(frozen=True, kw_only=True)
class SpecAugmentSettings:
    """Which masks, what fills them, and how the gate is drawn (`reference`: the published slip)."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    policy: Literal["none", "LB", "LD", "SM", "SS", "icbhi_sup", "icbhi_ast_sup"]
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

    def __post_init__(self) -> None:
        _require(batch_size=self.batch_size >= 1, ema_decay=0 <= self.ema_decay < 1, patience=self.patience >= 0)


@dataclass(frozen=True, kw_only=True)
class ComputeSettings:
    """On what it runs."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "fp32", "bf16"]
    threads: int

    def __post_init__(self) -> None:
        _require(threads=self.threads >= 1)
