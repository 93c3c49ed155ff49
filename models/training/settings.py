"""How a network is trained: the typed form of `teacher_training` and `student` in params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from models.training.augmentation_settings import SpecAugmentSettings, WaveformSettings
from models.training.ranges import require

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
class PatchMixSettings:
    """Patch-Mix (Bae et al., INTERSPEECH 2023); the last five belong to `patchmix_cl`.

    Attributes:
        beta: λ ~ Beta(beta, beta).
        domain: Mix random patches, or whole time columns of them.
        alpha: Weight of the contrastive loss.
        temperature: τ of the contrastive loss.
        projection: Width of the projector's output.
        target: Whether the keys pass the projector, and whether gradients flow through them.
        negatives: All other samples of the batch, or those of another label.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    beta: float = 1.0
    domain: Literal["patch", "time"] = "patch"
    alpha: float = 1.0
    temperature: float = 0.06
    projection: int = 768
    target: Literal["grad_block", "grad_flow", "project_block", "project_flow"] = "grad_block"
    negatives: Literal["all", "diff_label"] = "all"

    def __post_init__(self) -> None:
        require(
            beta=self.beta > 0,
            alpha=self.alpha >= 0,
            temperature=self.temperature > 0,
            projection=self.projection >= 1,
        )


@dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
    """What is minimised.

    Attributes:
        name: Which loss.
        label_smoothing: Of the hard labels.
        class_weights: ``balanced``: ∝ 1 / cycles of the class.
        hard_labels: Of `soft_labels`, the share of the loss that the hard labels have; 0 as published.
        patchmix: Of `patchmix` and `patchmix_cl`.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    name: Literal["cross_entropy", "soft_labels", "patchmix", "patchmix_cl"]
    label_smoothing: float = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    hard_labels: float = 0.0
    patchmix: PatchMixSettings = field(default_factory=PatchMixSettings)

    def __post_init__(self) -> None:
        require(label_smoothing=0 <= self.label_smoothing < 1, hard_labels=0 <= self.hard_labels <= 1)
        if (
            self.name == "soft_labels"
            and not self.hard_labels
            and (self.label_smoothing or self.class_weights != "none")
        ):
            raise ValueError(
                "without hard_labels, soft_labels has no label_smoothing (0.0) and no class_weights (none)"
            )


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """How it is minimised.

    Attributes:
        name: ``sam``, ``look_sam`` and ``momentum_sam`` climb before AdamW steps.
        lr: Highest learning rate.
        weight_decay: Decoupled with AdamW and the kin of SAM; an L2 penalty with Adam and SGD.
        momentum: Of SGD.
        rho: Radius of SAM and its kin.
        adaptive: Whether the radius scales with the weights (ASAM).
        interval: Steps of `look_sam` from one full SAM step to the next.
        clip_norm: Largest norm of the gradient that steps, or none.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    name: Literal["adamw", "adam", "sgd", "sam", "look_sam", "momentum_sam"]
    lr: float
    weight_decay: float
    momentum: float = 0.9
    rho: float = 0.05
    adaptive: bool = False
    interval: int = 5
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        require(
            lr=self.lr > 0,
            weight_decay=self.weight_decay >= 0,
            momentum=0 <= self.momentum < 1,
            rho=self.rho >= 0,
            interval=self.interval >= 1,
            clip_norm=self.clip_norm is None or self.clip_norm > 0,
        )


@dataclass(frozen=True, kw_only=True)
class ScheduleSettings:
    """Linear warm-up, then a cosine down to `final_lr_fraction`, steps down by `decay` at `milestones`, or nothing.

    All lengths are in epochs; `per` tells how often the rate changes.

    Attributes:
        warmup: ``linear``: up to the highest rate, before a cosine over the epochs that are left. ``reference``: as in
            the code of work (a), up to what a cosine over all epochs has come down to by then.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    epochs: int
    name: Literal["cosine", "step", "constant"] = "cosine"
    warmup: Literal["linear", "reference"] = "linear"
    warmup_epochs: float = 0.0
    warmup_from: float = 0.0
    final_lr_fraction: float = 0.001
    per: Literal["step", "epoch"] = "step"
    milestones: tuple[int, ...] = ()
    decay: float = 0.1

    def __post_init__(self) -> None:
        require(
            epochs=self.epochs >= 1,
            warmup_epochs=0 <= self.warmup_epochs <= self.epochs,
            warmup_from=0 <= self.warmup_from <= 1,
            final_lr_fraction=0 <= self.final_lr_fraction <= 1,
            decay=0 < self.decay <= 1,
        )
        if self.name == "step" and not self.milestones:
            raise ValueError("the schedule step needs milestones: epochs after which the rate falls")
        if self.warmup == "reference" and (self.name != "cosine" or self.per != "epoch"):
            raise ValueError("the warm-up of the reference belongs to a cosine per epoch")


@dataclass(frozen=True, kw_only=True)
class MovingAverageSettings:
    """What is judged and kept: the network itself, or an exponential moving average of it.

    `reference` is the published "moving average", which goes on from the average: a smaller learning rate, no average.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    kind: Literal["none", "ema", "reference"] = "none"
    decay: float = 0.999

    def __post_init__(self) -> None:
        require(decay=0 <= self.decay < 1)


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """All that `fit` needs to know beyond the network, the data and the seed.

    Attributes:
        micro_batch: Cycles of one forward pass, where a batch does not fit; none: the whole batch.
        patience: Epochs without a better validation Score before the stop; 0: never.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    objective: ObjectiveSettings
    optimizer: OptimizerSettings
    schedule: ScheduleSettings
    sampler: Literal["weighted", "shuffle"]
    batch_size: int
    micro_batch: int | None = None
    specaugment: SpecAugmentSettings = field(default_factory=SpecAugmentSettings)
    waveform: WaveformSettings = field(default_factory=WaveformSettings)
    moving_average: MovingAverageSettings = field(default_factory=MovingAverageSettings)
    patience: int = 0

    def __post_init__(self) -> None:
        require(
            batch_size=self.batch_size >= 1,
            micro_batch=self.micro_batch is None or 1 <= self.micro_batch <= self.batch_size,
            patience=self.patience >= 0,
        )


@dataclass(frozen=True, kw_only=True)
class ComputeSettings:
    """On what it runs.

    Attributes:
        deterministic: Equal inputs give equal bytes, for some speed on a GPU; what cannot is an error.
        compile: Through `torch.compile`.
        cache_gb: Features up to this size lie on the device as a whole; larger ones are read as they are needed.
        processes: Of one training, each with its share of every batch (DDP).
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "fp32", "bf16"]
    threads: int
    deterministic: bool = True
    compile: bool = False
    cache_gb: float = 4.0
    processes: int = 1

    def __post_init__(self) -> None:
        require(threads=self.threads >= 1, cache_gb=self.cache_gb >= 0, processes=self.processes >= 1)
