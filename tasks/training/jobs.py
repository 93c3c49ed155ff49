"""Trainings that params.yaml describes: settings and inputs of a teacher or a student."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.training.settings import NetworkSettings, Selection, TrainingSettings
from tasks import artifacts
from tasks.runtime import params
from tasks.subsets import assignment, folds
from tasks.subsets.assignment import Assignment
from tasks.subsets.settings import FoldSettings
from tasks.training import student, teachers


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """Settings and inputs of one training."""

    network: NetworkSettings  # architecture, options, front end and initial weights
    training: TrainingSettings
    assignment: Assignment  # labels and subsets, without the cycles that are held out
    seed: int  # random seed of initialisation, sampling, augmentation and dropout
    selections: list[Selection]  # rules by which the best epoch is chosen; `val` must be among them
    features: Path  # folder of the feature cache
    weights: Path  # folder of the initial weights
    soft_labels: Path | None = None  # table of soft labels; None for hard labels
    fold: FoldSettings | None = None  # fold that a teacher leaves out
    held_out: Sequence[str] = ()  # training cycles of this fold


def of_teacher(read: Mapping[str, Any], teacher: str, root: Path = Path()) -> TrainingJob:
    """Return the training of a teacher.

    Args:
        read: Content of params.yaml.
        teacher: Id of the teacher.
        root: Root of the project.

    Raises:
        BreathlineError: The teacher is unknown, or a setting or the table of cycles does not fit.
    """
    settings, training = teachers.parse(read, teacher)
    whole = assignment.from_params(read, root / artifacts.CYCLES)
    assigned = folds.without(whole, settings.fold) if settings.fold else whole
    return TrainingJob(
        network=settings.network(),
        training=training,
        assignment=assigned,
        seed=settings.seed,
        selections=_selections(read),
        features=root / artifacts.FEATURE_CACHES / settings.frontend,
        weights=root / artifacts.WEIGHTS / settings.weights,
        fold=settings.fold,
        held_out=[cycle for cycle in whole.subsets if cycle not in assigned.subsets],
    )


def of_student(read: Mapping[str, Any], seed: int, root: Path = Path()) -> TrainingJob:
    """Return the training of the student with one seed.

    Args:
        read: Content of params.yaml.
        seed: Random seed of the training.
        root: Root of the project.

    Raises:
        BreathlineError: A setting or the table of cycles does not fit.
    """
    network, training = student.parse(params.section(read, "student"))
    return TrainingJob(
        network=network,
        training=training,
        assignment=assignment.from_params(read, root / artifacts.CYCLES),
        seed=seed,
        selections=_selections(read),
        features=root / artifacts.FEATURE_CACHES / network.frontend,
        weights=root / artifacts.WEIGHTS / network.weights,
        soft_labels=root / artifacts.SOFT_LABELS if training.objective.name == "soft_labels" else None,
    )


def of_stage(read: Mapping[str, Any], stage: str, root: Path = Path()) -> TrainingJob:
    """Return the training of a stage (see `of_teacher`, `of_student`).

    Args:
        read: Content of params.yaml.
        stage: Name of the stage: ``train_teacher@ID`` or ``train_student@SEED``.
        root: Root of the project.
    """
    group, _, item = stage.partition("@")
    return of_teacher(read, item, root) if group == "train_teacher" else of_student(read, int(item), root)


def _selections(read: Mapping[str, Any]) -> list[Selection]:
    return params.parse(list[Selection], params.section(read, "selections"), "selections")
