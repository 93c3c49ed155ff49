"""Settings of a teacher, and of the choice of teachers: ``teachers`` and ``soft_labels`` in params.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval

from models.training.settings import NetworkSettings
from tasks.runtime.value_types import Seed
from tasks.subsets.settings import FoldSettings


@dataclass(frozen=True, kw_only=True)
class TeacherSettings(NetworkSettings):
    """Settings of a teacher."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    seed: Seed  # random seed of initialisation, sampling, augmentation and dropout
    # keys of `teacher_training` with other values for this teacher
    override: Mapping[str, Any] = field(default_factory=dict)
    fold: FoldSettings | None = None  # fold that is left out of its training; none trains on all training cycles
    # whether it labels no cycle and is only compared with the student, such as the student's network in plain training
    baseline: bool = False

    def network(self) -> NetworkSettings:
        """Return the settings of its network alone."""
        return NetworkSettings(**{part.name: getattr(self, part.name) for part in fields(NetworkSettings)})


@dataclass(frozen=True, kw_only=True)
class ChoiceSettings:
    """Choice of the teachers that label a cycle."""

    k: Annotated[int, Interval(ge=1, le=1000)]  # number of teachers for each cycle
    # order of preference: `first` by id (s2 before s10), `best` by validation Score
    choose: Literal["first", "best"] = "first"
    # `in_sample`: teachers that trained on all training cycles, as published; `out_of_fold`: for each cycle, teachers
    # whose left-out fold holds its patient
    exposure: Literal["in_sample", "out_of_fold"] = "in_sample"
