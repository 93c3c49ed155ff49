"""Settings of a training: ``teacher_training``, ``student`` and ``compute`` in params.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from models.training.augmentation_settings import SpecAugmentSettings, WaveformSettings
from models.training.ranges import require

Subset = Literal["train", "val", "test"]
Selection = Literal["val", "paper"]


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Settings of a network."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    architecture: str  # name of the architecture (see `breathline models`)
    frontend: str  # name of the front end
    weights: str  # name of an entry of `weights`
    options: Mapping[str, Any] = field(default_factory=dict)  # options of the architecture


@dataclass(frozen=True, kw_only=True)
class PatchMixSettings:
    """Settings of Patch-Mix (Bae et al., INTERSPEECH 2023); the last five apply to ``patchmix_cl`` only."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    beta: float = 1.0  # parameter β of λ ~ Beta(β, β)
    domain: Literal["patch", "time"] = "patch"  # unit of the mixing: random patches, or whole time columns
    alpha: float = 1.0  # weight α of the contrastive loss
    temperature: float = 0.06  # temperature τ of the contrastive loss
    projection: int = 768  # length of the projector's output
    # keys of the contrastive loss: embeddings (`grad`) or projections (`project`), without (`block`) or with gradient
    # (`flow`)
    target: Literal["grad_block", "grad_flow", "project_block", "project_flow"] = "grad_block"
    # negatives of the contrastive loss: all other samples of the batch, or those of another label
    negatives: Literal["all", "diff_label"] = "all"

    def __post_init__(self) -> None:
        require(
            beta=self.beta > 0, alpha=self.alpha >= 0, temperature=self.temperature > 0, projection=self.projection >= 1
        )


@dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
    """Settings of the objective."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    name: Literal["cross_entropy", "soft_labels", "patchmix", "patchmix_cl"]  # name of the objective
    label_smoothing: float = 0.0  # label smoothing of the hard labels, from 0 to below 1
    class_weights: Literal["none", "balanced"] = "none"  # `balanced`: weights ∝ 1 / number of cycles of the class
    hard_labels: float = 0.0  # weight of the hard labels in `soft_labels`, from 0 to 1; 0 as published
    patchmix: PatchMixSettings = field(default_factory=PatchMixSettings)  # settings of `patchmix` and `patchmix_cl`

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
    """Settings of the optimiser."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    # name of the optimiser; `sam`, `look_sam` and `momentum_sam` perturb the weights before AdamW steps
    name: Literal["adamw", "adam", "sgd", "sam", "look_sam", "momentum_sam"]
    lr: float  # highest learning rate
    weight_decay: float  # weight decay: decoupled with AdamW and the variants of SAM, an L2 penalty with Adam and SGD
    momentum: float = 0.9  # momentum of SGD
    rho: float = 0.05  # radius ρ of SAM and its variants
    adaptive: bool = False  # whether the radius scales with the weights (ASAM)
    interval: int = 5  # number of steps of `look_sam` from one step of SAM to the next
    clip_norm: float | None = None  # largest norm of the gradient; null: no clipping

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
    """Settings of the learning-rate schedule (formulas: `models.training.schedules.lr_factor`)."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    epochs: int
    # `cosine`: down to `final_lr_fraction`; `step`: times `decay` after each milestone; `constant`
    name: Literal["cosine", "step", "constant"] = "cosine"
    # `linear`: up to the highest rate, before the schedule over the remaining epochs; `reference`: as in the code of
    # work (a), up to the value of a cosine over all epochs at the end of the warm-up
    warmup: Literal["linear", "reference"] = "linear"
    warmup_epochs: float = 0.0  # length of the warm-up in epochs
    warmup_from: float = 0.0  # rate before the first step, as a fraction of the highest rate
    final_lr_fraction: float = 0.001  # last rate of `cosine`, as a fraction of the highest rate
    per: Literal["step", "epoch"] = "step"  # interval at which the rate changes
    milestones: tuple[int, ...] = ()  # epochs after which `step` lowers the rate
    decay: float = 0.1  # factor of `step`

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
            raise ValueError("warmup: reference needs name: cosine and per: epoch")


@dataclass(frozen=True, kw_only=True)
class MovingAverageSettings:
    """Settings of the moving average of the weights."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    # `none`; `ema`: exponential moving average; `reference`: the "moving average" of the published code, which
    # continues from the average and thus only lowers the learning rate
    kind: Literal["none", "ema", "reference"] = "none"
    decay: float = 0.999  # decay β of the average, from 0 to below 1

    def __post_init__(self) -> None:
        require(decay=0 <= self.decay < 1)


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Settings of a training."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    objective: ObjectiveSettings
    optimizer: OptimizerSettings
    schedule: ScheduleSettings
    sampler: Literal["weighted", "shuffle"]  # order of the training cycles in an epoch (see `Sampler`)
    batch_size: int  # number of cycles in a batch
    micro_batch: int | None = None  # number of cycles in one forward pass, to save memory; null: the whole batch
    specaugment: SpecAugmentSettings = field(default_factory=SpecAugmentSettings)
    waveform: WaveformSettings = field(default_factory=WaveformSettings)
    moving_average: MovingAverageSettings = field(default_factory=MovingAverageSettings)
    # number of epochs without a better validation Score before the training stops; 0: no early stopping
    patience: int = 0

    def __post_init__(self) -> None:
        require(
            batch_size=self.batch_size >= 1,
            micro_batch=self.micro_batch is None or 1 <= self.micro_batch <= self.batch_size,
            patience=self.patience >= 0,
        )


@dataclass(frozen=True, kw_only=True)
class ComputeSettings:
    """Settings of the device."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    device: Literal["auto", "cpu", "cuda"]  # device; `auto`: a GPU if there is one
    precision: Literal["auto", "fp32", "bf16"]  # precision of forward passes; `auto`: bf16 on a GPU that supports it
    threads: int  # number of threads of torch on the CPU
    # Whether equal inputs must give equal bytes. This costs some speed on a GPU, and an operation without a
    # deterministic algorithm is an error.
    deterministic: bool = True
    compile: bool = False  # whether the loss is compiled with `torch.compile`
    cache_gb: float = 4.0  # largest size in gigabytes of features that are kept in the device's memory
    processes: int = 1  # number of processes of one training, each with a slice of every batch (DDP)

    def __post_init__(self) -> None:
        require(threads=self.threads >= 1, cache_gb=self.cache_gb >= 0, processes=self.processes >= 1)
