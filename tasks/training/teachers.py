"""The teachers of params.yaml, and which of them make the soft labels."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from models.file_names import CARD
from models.training.settings import NetworkSettings
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tasks.subsets.folds import FoldSettings


@dataclass(frozen=True, kw_only=True)
class TeacherSettings(NetworkSettings):
    """A teacher: its network, its seed, what it trains otherwise than the others, and the fold that it never sees."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    seed: int
    override: Mapping[str, Any] = field(default_factory=dict)
    fold: FoldSettings | None = None


@dataclass(frozen=True, kw_only=True)
class ChoiceSettings:
    """Which teachers label a cycle.

    Attributes:
        k: How many.
        choose: The first by id (s2 before s10), or the best by validation Score.
        exposure: ``in_sample``: teachers that learned from all training cycles, as published; ``out_of_fold``: for
            each cycle those whose left-out fold holds its patient.
    """

    k: int
    choose: Literal["first", "best"] = "first"
    exposure: Literal["in_sample", "out_of_fold"] = "in_sample"


def read(parameters: Mapping[str, Any]) -> dict[str, TeacherSettings]:
    """Return the teachers of the whole of params.yaml, by their ids in order.

    DVC does not see the order of a mapping: taking turns in params.yaml would change what no stage reruns.
    """
    given = params.section(parameters, "teachers")
    return {
        name: params.parse(TeacherSettings, given[name], f"teachers.{name}")
        for name in sorted(given, key=params.natural)
    }


def check_folders(folder: Path, teachers: Iterable[str]) -> None:
    """Refuse trained teachers that params.yaml does not name: DVC would take them for inputs.

    Raises:
        BreathlineError: Naming the folders, and how to remove them.
    """
    named = set(teachers)
    left = sorted(path.name for path in folder.glob("*/") if path.name not in named)
    if left:
        raise BreathlineError(
            f"No teacher of params.yaml, but trained: {', '.join(left)}.",
            where=folder,
            hint=f"remove it: rm -r {' '.join(str(folder / name) for name in left)}",
        )


def ranked(teachers: Mapping[str, TeacherSettings], settings: ChoiceSettings, folder: Path) -> list[str]:
    """Return the teachers of the wanted exposure in the order in which they are taken.

    Args:
        teachers: All of them.
        settings: How they are chosen.
        folder: Where their cards lie, which hold the validation Scores.
    """
    folded = settings.exposure == "out_of_fold"
    pool = [name for name, teacher in teachers.items() if (teacher.fold is not None) == folded]
    if settings.choose == "first":
        return sorted(pool, key=params.natural)
    return sorted(pool, key=lambda name: (-_validation_score(folder / name), params.natural(name)))


def choose(teachers: Mapping[str, TeacherSettings], settings: ChoiceSettings, folder: Path) -> list[str]:
    """Return the teachers that make the soft labels: the first `k`, or the first `k` of every fold.

    Raises:
        BreathlineError: There are fewer than `k`, or the folds are not those of one division.
    """
    if settings.k < 1:
        raise BreathlineError("k must be positive.", where="params.yaml: soft_labels.k")
    order = ranked(teachers, settings, folder)
    if not teachers:
        return []
    folds = {teacher.fold for name in order if (teacher := teachers[name]).fold is not None}
    if settings.exposure == "out_of_fold":
        divisions = {fold.of for fold in folds}
        if len(divisions) != 1 or len(folds) != max(divisions):
            seen = ", ".join(sorted(f"{fold.index} of {fold.of}" for fold in folds)) or "none"
            raise BreathlineError(
                f"Out-of-fold soft labels need teachers for every fold of one division; there are {seen}.",
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


def compared(teachers: Mapping[str, TeacherSettings], settings: ChoiceSettings, folder: Path) -> list[str]:
    """Return the teachers whose validation Scores decide the choice; none where the first teachers are chosen."""
    return ranked(teachers, settings, folder) if settings.choose == "best" else []


def over_k(teachers: Mapping[str, TeacherSettings], settings: ChoiceSettings, folder: Path) -> dict[int, list[str]]:
    """Return for each k from 1 to the most that there can be the teachers that `choose` would take.

    Out of fold that is k of every fold: fewer would be no ensemble that labels all cycles.

    Raises:
        BreathlineError: See `choose`.
    """
    fellows = Counter(teachers[name].fold for name in ranked(teachers, settings, folder))
    most = min(fellows.values(), default=0)
    each = {k: ChoiceSettings(k=k, choose=settings.choose, exposure=settings.exposure) for k in range(1, most + 1)}
    return {k: choose(teachers, of_k, folder) for k, of_k in each.items()}


def _validation_score(folder: Path) -> float:
    """Return the strict validation Score on a teacher's card.

    Raises:
        BreathlineError: The teacher has not been trained.
    """
    card = folder / CARD
    if not card.exists():
        hint = f"run `dvc repro train_teacher@{folder.name}`"
        raise BreathlineError(f"The teacher {folder.name} has not been trained.", where=card, hint=hint)
    return float(json.loads(card.read_text(encoding="utf-8"))["selections"]["val"]["score_strict"])
