"""The stage `train_teacher`: one teacher of the ensemble, ``python -m tasks.train_teacher ID``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from models.training.settings import ComputeSettings, NetworkSettings, Selection, TrainingSettings
from tasks import params
from tasks.stage import stage
from tasks.training import CHECKPOINTS, CYCLES, ValidationSettings, read_task, train


@dataclass(frozen=True, kw_only=True)
class TeacherSettings(NetworkSettings):
    """A teacher: its network, its seed, and what it trains otherwise than the others."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    seed: int
    override: Mapping[str, Any] = field(default_factory=dict)


def main() -> None:
    """Run the stage for the teacher that the command line names."""
    teacher = sys.argv[1]
    with stage(f"train_teacher@{teacher}") as log:
        read = params.read()
        key = f"teachers.{teacher}"
        settings = params.parse(TeacherSettings, params.section(read, key), key)
        shared = params.section(read, "teacher_training")
        train(
            NetworkSettings(
                architecture=settings.architecture,
                frontend=settings.frontend,
                weights=settings.weights,
                options=settings.options,
            ),
            params.parse(TrainingSettings, params.merge(shared, settings.override), f"{key}.override"),
            read_task(
                CYCLES,
                labels=read["labels"],
                split=read["split"],
                validation=params.parse(ValidationSettings, params.section(read, "validation"), "validation"),
            ),
            seed=settings.seed,
            selections=params.parse(list[Selection], params.section(read, "selections"), "selections"),
            compute=params.parse(ComputeSettings, params.section(read, "compute"), "compute"),
            features=Path("data/fbank") / settings.frontend,
            weights=Path("data/weights") / settings.weights,
            soft=None,
            out=Path("data/teachers") / teacher,
            checkpoints_root=CHECKPOINTS,
            log=log,
        )


if __name__ == "__main__":
    main()
