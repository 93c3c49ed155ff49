"""The stage `train_teacher`: one teacher of the ensemble, ``python -m tasks.train_teacher ID``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from models.training.settings import ComputeSettings, NetworkSettings, Selection, TrainingSettings
from tasks import artifacts
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import stage
from tasks.subsets import assignment, folds
from tasks.training.decisions import decisions
from tasks.training.job import CHECKPOINTS, train
from tasks.training.processes import together
from tasks.training.teachers import TeacherSettings


def parse(read: Mapping[str, Any], teacher: str) -> tuple[TeacherSettings, TrainingSettings]:
    """Return a teacher's network, and how it trains: `teacher_training` with the teacher's `override` over it.

    Raises:
        BreathlineError: params.yaml has no such teacher, or asks of it what no teacher can do.
    """
    teachers = params.section(read, "teachers")
    if teacher not in teachers:
        there = ", ".join(teachers) or "none"
        raise BreathlineError(f"There is no teacher {teacher}.", where="params.yaml: teachers", hint=f"one of: {there}")
    settings = params.parse(TeacherSettings, teachers[teacher], f"teachers.{teacher}")
    merged = params.merge(params.section(read, "teacher_training"), settings.override)
    training = params.parse(TrainingSettings, merged, f"teacher_training with the override of {teacher}")
    if training.objective.name == "soft_labels":
        raise BreathlineError(
            "A teacher cannot learn from soft labels: teachers make them.",
            where=f"params.yaml: objective of {teacher}",
            hint="set it to cross_entropy",
        )
    return settings, training


def main(teacher: str) -> None:
    """Run the stage for the teacher that the command line names."""
    decided: dict[str, Any] = {}
    with stage(f"train_teacher@{teacher}", decided) as log:
        read = params.read()
        settings, training = parse(read, teacher)
        whole = assignment.from_params(read)
        assigned = folds.without(whole, settings.fold) if settings.fold else whole
        network = NetworkSettings(
            architecture=settings.architecture,
            frontend=settings.frontend,
            weights=settings.weights,
            options=settings.options,
        )
        selections = params.parse(list[Selection], params.section(read, "selections"), "selections")
        decided |= decisions(
            network,
            training,
            assigned,
            seed=settings.seed,
            selections=selections,
            fold=settings.fold,
            held_out=[cycle for cycle in whole.subsets if cycle not in assigned.subsets],
        )
        together(
            train,
            network,
            training,
            assigned,
            seed=settings.seed,
            selections=selections,
            compute=params.parse(ComputeSettings, params.section(read, "compute"), "compute"),
            features=artifacts.FEATURE_CACHES / settings.frontend,
            weights=artifacts.WEIGHTS / settings.weights,
            soft=None,
            out=artifacts.TEACHERS / teacher,
            checkpoints_root=CHECKPOINTS,
            log=log,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
