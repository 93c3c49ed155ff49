"""Typed model of the whole of params.yaml, composed of the settings of its sections; importing it needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Len, MinLen
from pydantic import Field

from models.frontends.settings import FrontEndSettings
from models.training.settings import ComputeSettings, NetworkSettings, Selection, TrainingSettings
from tasks.checks.settings import CheckSettings
from tasks.corpora.settings import DownloadSettings, ExternalSettings
from tasks.distillation.settings import SoftLabelSettings
from tasks.evaluation.settings import EvaluationSettings
from tasks.explanation.settings import ExplanationSettings
from tasks.exporting.settings import ExportSettings
from tasks.pretrained.settings import WeightsSettings
from tasks.runtime.value_types import Name, Seed
from tasks.subsets.settings import SplitByCorpus, ValidationSettings
from tasks.training.settings import TeacherSettings


@dataclass(frozen=True, kw_only=True)
class StudentSettings(TrainingSettings, NetworkSettings):
    """Settings of the student: its network, its training, and a seed for each student."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    seeds: Annotated[tuple[Seed, ...], Len(1, 1000)]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: each seed once")


@dataclass(frozen=True, kw_only=True)
class Params:
    """Content of params.yaml, in the order of the file."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    labels: Name
    heads: Mapping[Name, Name]
    split: SplitByCorpus
    validation: ValidationSettings
    selections: tuple[Selection, ...]
    compute: ComputeSettings
    corpora: Annotated[Mapping[Name, DownloadSettings], MinLen(1)]
    external: Mapping[Name, ExternalSettings]
    frontends: Annotated[Mapping[Name, FrontEndSettings], MinLen(1)]
    validate: CheckSettings
    weights: Annotated[Mapping[Name, WeightsSettings], MinLen(1)]
    teacher_training: TrainingSettings
    teachers: Mapping[Name, TeacherSettings]
    soft_labels: SoftLabelSettings
    student: StudentSettings
    evaluation: EvaluationSettings
    explanation: ExplanationSettings
    export: ExportSettings

    def __post_init__(self) -> None:
        if "val" not in self.selections:
            raise ValueError("selections: a list with val")
        if len(set(self.selections)) < len(self.selections):
            raise ValueError("selections: each selection once")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Content of a recipe; `overrides` and `small` hold some of the keys of `Params`."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    description: Annotated[str, Field(min_length=1, max_length=500)]
    overrides: Mapping[str, Any]
    paper: Annotated[str, Field(max_length=500)] | None = None
    based_on: Name | None = None
    small: Mapping[str, Any] | None = None
