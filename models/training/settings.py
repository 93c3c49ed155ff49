"""Settings of a training: ``teacher_training``, ``student`` and ``compute`` in params.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Interval

from models.training.augmentation_settings import FreqMixStyleSettings, SpecAugmentSettings, WaveformSettings

Subset = Literal["train", "val", "test"]
Selection = Literal["val", "paper"]
SamplerName = Literal["weighted", "shuffle", "device_balanced", "corpus_balanced"]
Level = Literal["none", "recording"]
Spectrum = Literal["none", "recording", "device_of_the_data"]


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
    beta: Annotated[float, Interval(ge=0.001, le=1000)] = 1.0  # parameter β of λ ~ Beta(β, β)
    domain: Literal["patch", "time"] = "patch"  # unit of the mixing: random patches, or whole time columns
    alpha: Annotated[float, Interval(ge=0, le=1000)] = 1.0  # weight α of the contrastive loss
    temperature: Annotated[float, Interval(ge=0.001, le=1000)] = 0.06  # temperature τ of the contrastive loss
    projection: Annotated[int, Interval(ge=1, le=65536)] = 768  # length of the projector's output
    # keys of the contrastive loss: embeddings (`grad`) or projections (`project`), without (`block`) or with gradient
    # (`flow`)
    target: Literal["grad_block", "grad_flow", "project_block", "project_flow"] = "grad_block"
    # negatives of the contrastive loss: all other samples of the batch, or those of another label
    negatives: Literal["all", "diff_label"] = "all"


@dataclass(frozen=True, kw_only=True)
class ObjectiveSettings:
    """Settings of the objective."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    name: Literal["cross_entropy", "soft_labels", "patchmix", "patchmix_cl"]  # name of the objective
    # label smoothing of the hard labels, from 0 to below 1
    label_smoothing: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    # γ of the focal loss of the hard labels, (1 − p)^γ times the cross-entropy; 0: cross-entropy
    focal_gamma: Annotated[float, Interval(ge=0, le=10)] = 0.0
    # `balanced`: weights ∝ 1 / n^p, with n the number of cycles of the class and p the `class_weight_power`
    class_weights: Literal["none", "balanced"] = "none"
    class_weight_power: Annotated[float, Interval(gt=0, le=2)] = 1.0  # power p of `balanced`
    # weight of the hard labels in `soft_labels`, from 0 to 1; 0 as published
    hard_labels: Annotated[float, Interval(ge=0, le=1)] = 0.0
    patchmix: PatchMixSettings = field(default_factory=PatchMixSettings)  # settings of `patchmix` and `patchmix_cl`

    def __post_init__(self) -> None:
        if self.name == "soft_labels" and not self.hard_labels:
            for key, nothing in (("label_smoothing", 0.0), ("focal_gamma", 0.0), ("class_weights", "none")):
                if getattr(self, key) != nothing:
                    raise ValueError(f"{key}: without hard_labels, the objective soft_labels needs {nothing}")
        if self.class_weights == "none" and self.class_weight_power != 1:
            raise ValueError("class_weight_power: 1, because class_weights is none")


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """Settings of the optimiser."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    # name of the optimiser; `sam`, `look_sam` and `momentum_sam` perturb the weights before AdamW steps
    name: Literal["adamw", "adam", "sgd", "sam", "look_sam", "momentum_sam"]
    lr: Annotated[float, Interval(gt=0, le=1000)]  # highest learning rate
    # weight decay: decoupled with AdamW and the variants of SAM, an L2 penalty with Adam and SGD
    weight_decay: Annotated[float, Interval(ge=0, le=1000)]
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9  # momentum of SGD
    rho: Annotated[float, Interval(ge=0, le=1000)] = 0.05  # radius ρ of SAM and its variants
    adaptive: bool = False  # whether the radius scales with the weights (ASAM)
    # number of steps of `look_sam` from one step of SAM to the next
    interval: Annotated[int, Interval(ge=1, le=1_000_000)] = 5
    clip_norm: Annotated[float, Gt(0)] | None = None  # largest norm of the gradient; null: no clipping


@dataclass(frozen=True, kw_only=True)
class ScheduleSettings:
    """Settings of the learning-rate schedule (formulas: `models.training.schedules.lr_factor`)."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    epochs: Annotated[int, Interval(ge=1, le=1_000_000)]
    # `cosine`: down to `final_lr_fraction`; `step`: times `decay` after each milestone; `constant`
    name: Literal["cosine", "step", "constant"] = "cosine"
    # `linear`: up to the highest rate, before the schedule over the remaining epochs; `reference`: as in the code of
    # work (a), up to the value of a cosine over all epochs at the end of the warm-up
    warmup: Literal["linear", "reference"] = "linear"
    warmup_epochs: Annotated[float, Ge(0)] = 0.0  # length of the warm-up in epochs
    # rate before the first step, as a fraction of the highest rate
    warmup_from: Annotated[float, Interval(ge=0, le=1)] = 0.0
    # last rate of `cosine`, as a fraction of the highest rate
    final_lr_fraction: Annotated[float, Interval(ge=0, le=1)] = 0.001
    per: Literal["step", "epoch"] = "step"  # interval at which the rate changes
    milestones: tuple[Annotated[int, Ge(1)], ...] = ()  # epochs after which `step` lowers the rate
    decay: Annotated[float, Interval(gt=0, le=1)] = 0.1  # factor of `step`

    def __post_init__(self) -> None:
        if self.warmup_epochs > self.epochs:
            raise ValueError(f"warmup_epochs: at most epochs, which is {self.epochs}")
        if self.name == "step" and not self.milestones:
            raise ValueError("milestones: epochs after which the rate falls, which the schedule step needs")
        if list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError("milestones: epochs in rising order, each once")
        if self.name == "step" and self.milestones[-1] >= self.epochs:
            raise ValueError(f"milestones: epochs before the last one, which is {self.epochs}")
        if self.warmup == "reference" and (self.name != "cosine" or self.per != "epoch"):
            raise ValueError("warmup: linear; reference only with name: cosine and per: epoch")


@dataclass(frozen=True, kw_only=True)
class NormalizationSettings:
    """Settings of the normalisation of features, in the training and in each use of the network."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    # `recording`: the mean of each recording, over frames and mel bins, becomes that of the training cycles
    level: Level = "none"
    # the same for the mean per mel bin, of each `recording`, or of all recordings of a device in the data at hand: the
    # training, validation or test recordings, or those given to `predict`
    spectrum: Spectrum = "none"

    def __post_init__(self) -> None:
        if self.level != "none" and self.spectrum == "recording":
            raise ValueError("level: none, because spectrum: recording changes the level, too")


@dataclass(frozen=True, kw_only=True)
class MovingAverageSettings:
    """Settings of the moving average of the weights."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    # `none`; `ema`: exponential moving average; `reference`: the "moving average" of the published code, which
    # continues from the average and thus only lowers the learning rate
    kind: Literal["none", "ema", "reference"] = "none"
    decay: Annotated[float, Interval(ge=0, lt=1)] = 0.999  # decay β of the average, from 0 to below 1


@dataclass(frozen=True, kw_only=True)
class DecisionSettings:
    """Settings of the decision rule, which is chosen on validation patients after the training."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    # `argmax`: the most probable class; `threshold`: normal if p(normal) ≥ τ, with the τ of the best Score;
    # `sensitivity`: the same with the smallest τ that reaches a sensitivity
    rule: Literal["argmax", "threshold", "sensitivity"] = "argmax"
    score: Literal["strict", "lenient"] = "strict"  # definition of Score and sensitivity
    sensitivity: Annotated[float, Interval(gt=0, le=100)] = 80.0  # sensitivity to reach, in percent


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Settings of a training."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    objective: ObjectiveSettings
    optimizer: OptimizerSettings
    schedule: ScheduleSettings
    sampler: SamplerName  # order of the training cycles in an epoch (see `Sampler`)
    batch_size: Annotated[int, Interval(ge=1, le=65536)]  # number of cycles in a batch
    # number of cycles in one forward pass, to save memory; null: the whole batch
    micro_batch: Annotated[int, Ge(1)] | None = None
    normalization: NormalizationSettings = field(default_factory=NormalizationSettings)
    specaugment: SpecAugmentSettings = field(default_factory=SpecAugmentSettings)
    waveform: WaveformSettings = field(default_factory=WaveformSettings)
    freq_mixstyle: FreqMixStyleSettings = field(default_factory=FreqMixStyleSettings)
    moving_average: MovingAverageSettings = field(default_factory=MovingAverageSettings)
    # number of epochs without a better validation Score before the training stops; 0: no early stopping
    patience: Annotated[int, Ge(0)] = 0
    decision: DecisionSettings = field(default_factory=DecisionSettings)

    def __post_init__(self) -> None:
        if self.micro_batch is not None and self.micro_batch > self.batch_size:
            raise ValueError(f"micro_batch: at most batch_size, which is {self.batch_size}")


@dataclass(frozen=True, kw_only=True)
class ComputeSettings:
    """Settings of the device."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    device: Literal["auto", "cpu", "cuda"]  # device; `auto`: a GPU if there is one
    precision: Literal["auto", "fp32", "bf16"]  # precision of forward passes; `auto`: bf16 on a GPU that supports it
    threads: Annotated[int, Interval(ge=1, le=1024)]  # number of threads of torch on the CPU
    # Whether equal inputs must give equal bytes. This costs some speed on a GPU, and an operation without a
    # deterministic algorithm is an error.
    deterministic: bool = True
    compile: bool = False  # whether the loss is compiled with `torch.compile`
    # largest size in gigabytes of features that are kept in the device's memory
    cache_gb: Annotated[float, Ge(0)] = 4.0
    # number of processes of one training, each with a slice of every batch (DDP)
    processes: Annotated[int, Interval(ge=1, le=1024)] = 1
