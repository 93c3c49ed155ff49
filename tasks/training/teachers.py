"""Teachers by their id, and the choice of those that make the soft labels."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.file_names import CARD
from models.training.settings import TrainingSettings
from tasks.runtime import params
from tasks.runtime.artifact_reading import read_json
from tasks.runtime.errors import BreathlineError
from tasks.subsets.settings import FoldSettings
from tasks.training.settings import ChoiceSettings, TeacherSettings


def read(parameters: Mapping[str, Any]) -> dict[str, TeacherSettings]:
    """Return the settings of all teachers, in the natural order of their ids.

    The order in params.yaml is ignored: DVC does not see it, so no stage would rerun when it changes.
    """
    given = params.section(parameters, "teachers")
    return {
        name: params.parse(TeacherSettings, given[name], f"teachers.{name}")
        for name in sorted(given, key=params.natural)
    }


def parse(parameters: Mapping[str, Any], teacher: str) -> tuple[TeacherSettings, TrainingSettings]:
    """Return the settings of a teacher and of its training.

    Args:
        parameters: Content of params.yaml.
        teacher: Id of the teacher.

    Raises:
        BreathlineError: The id is unknown, or a setting does not fit a teacher.
    """
    teachers = params.section(parameters, "teachers")
    if teacher not in teachers:
        known = ", ".join(teachers) or "none"
        raise BreathlineError(f"There is no teacher {teacher}.", where="params.yaml: teachers", hint=f"one of: {known}")
    settings = params.parse(TeacherSettings, teachers[teacher], f"teachers.{teacher}")
    merged = params.merge(params.section(parameters, "teacher_training"), settings.override)
    training = params.parse(TrainingSettings, merged, f"teacher_training with the override of {teacher}")
    if training.objective.name == "soft_labels":
        raise BreathlineError(
            "A teacher cannot train on soft labels: teachers make them.",
            where=f"params.yaml: objective of {teacher}",
            hint="set it to cross_entropy",
        )
    return settings, training


def optimizer(parameters: Mapping[str, Any], settings: TeacherSettings) -> str:
    """Return the name of a teacher's optimizer.

    Args:
        parameters: Content of params.yaml.
        settings: Settings of the teacher.
    """
    common = {"name": params.section(parameters, "teacher_training.optimizer.name")}
    return str(params.merge({"optimizer": common}, settings.override)["optimizer"]["name"])


def ranked(teachers: Mapping[str, TeacherSettings], settings: ChoiceSettings, folder: Path) -> list[str]:
    """Return the ids of the teachers with the exposure of the settings, without baselines, in the order of preference.

    Args:
        teachers: Settings of all teachers.
        settings: Choice of the teachers.
        folder: Folder of the trained teachers, whose cards contain the validation Scores.

    Raises:
        BreathlineError: A teacher has not been trained, and the best are to be chosen.
    """
    folded = settings.exposure == "out_of_fold"
    pool = [name for name, teacher in teachers.items() if not teacher.baseline and (teacher.fold is not None) == folded]
    if settings.choose == "first":
        return sorted(pool, key=params.natural)
    return sorted(pool, key=lambda name: (-_validation_score(folder / name), params.natural(name)))


def choose(teachers: Mapping[str, TeacherSettings], settings: ChoiceSettings, folder: Path) -> list[str]:
    """Return the ids of the teachers that make the soft labels: the first `k`, or the first `k` of every fold.

    Args:
        teachers: Settings of all teachers.
        settings: Choice of the teachers.
        folder: Folder of the trained teachers.

    Raises:
        BreathlineError: There are fewer than `k` teachers, or their folds do not cover one division.
    """
    order = ranked(teachers, settings, folder)
    if len(baselines(teachers)) == len(teachers):
        return []
    folds = {teacher.fold for name in order if (teacher := teachers[name]).fold is not None}
    if settings.exposure == "out_of_fold":
        divisions = {fold.of for fold in folds}
        if len(divisions) != 1 or len(folds) != max(divisions):
            found = ", ".join(sorted(f"{fold.index} of {fold.of}" for fold in folds)) or "none"
            raise BreathlineError(
                f"Out-of-fold soft labels need teachers for every fold of one division; there are {found}.",
                where="params.yaml: teachers, fold",
                hint="give teachers `fold: {index: 0, of: 3}`, 1 and 2, or set soft_labels.exposure to in_sample",
            )
    chosen: list[str] = []
    groups: list[FoldSettings | None] = [*sorted(folds, key=lambda fold: fold.index)]
    for fold in groups or [None]:
        group = [name for name in order if teachers[name].fold == fold]
        if len(group) < settings.k:
            which = f" {settings.exposure} of fold {fold.index}" if fold else f" {settings.exposure}"
            raise BreathlineError(
                f"soft_labels.k is {settings.k}, and there are {len(group)} teachers{which}.",
                where="params.yaml: soft_labels.k",
                hint="lower k or add teachers",
            )
        chosen += group[: settings.k]
    return chosen


def baselines(teachers: Mapping[str, TeacherSettings]) -> list[str]:
    """Return the names ``teacher/<id>`` of the teachers that label no cycle and are only compared with the student."""
    return [f"teacher/{name}" for name, teacher in teachers.items() if teacher.baseline]


def compared(teachers: Mapping[str, TeacherSettings], settings: ChoiceSettings, folder: Path) -> list[str]:
    """Return the teachers whose validation Scores decide the choice; empty if the first teachers are chosen."""
    return ranked(teachers, settings, folder) if settings.choose == "best" else []


def over_k(teachers: Mapping[str, TeacherSettings], settings: ChoiceSettings, folder: Path) -> dict[int, list[str]]:
    """Return the teachers that `choose` takes, for each k from 1 to the largest possible.

    With ``out_of_fold``, k teachers of every fold are taken, so that the ensemble can label all cycles.

    Raises:
        BreathlineError: See `choose`.
    """
    sizes = Counter(teachers[name].fold for name in ranked(teachers, settings, folder))
    largest = min(sizes.values(), default=0)
    return {
        k: choose(teachers, ChoiceSettings(k=k, choose=settings.choose, exposure=settings.exposure), folder)
        for k in range(1, largest + 1)
    }


def _validation_score(folder: Path) -> float:
    """Return the strict validation Score of a teacher's card.

    Raises:
        BreathlineError: The teacher has not been trained.
    """
    card = read_json(folder / CARD, {"selections.val.score_strict": (int, float)})
    return float(card["selections"]["val"]["score_strict"])
