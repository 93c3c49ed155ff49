"""Logits of the teachers for the training side, and the soft labels that follow from them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from rich.progress import Progress

from models import artifact
from models.training.features import Features
from models.training.inference import pick_device, predict
from models.training.normalization import Normalization
from models.training.settings import ComputeSettings
from tasks.distillation.settings import SoftLabelSettings
from tasks.distillation.soft_labels import Logits, SoftLabels, candidates, first_allowed, select
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import console
from tasks.subsets import folds
from tasks.subsets.assignment import Assignment
from tasks.training import teachers as choice
from tasks.training.settings import TeacherSettings
from tasks.training.torch_setup import as_breathline_error


def label(
    logits: Mapping[str, Logits],
    teachers: Mapping[str, TeacherSettings],
    assignment: Assignment,
    settings: SoftLabelSettings,
) -> SoftLabels:
    """Return the soft labels ``(cycles, candidates, classes)`` of the training side.

    Args:
        logits: Logits of the chosen teachers for the cycles of `train` and `val`, in the order of the teachers.
        teachers: Settings of all teachers, with their left-out folds.
        assignment: Labels and subsets of the cycles.
        settings: Combination of the teachers.

    Raises:
        BreathlineError: Too few teachers may label a cycle.
    """
    cycles = assignment.cycles("train", "val")
    allowed = allowed_cycles(list(logits), teachers, assignment)
    targets = np.array([assignment.targets[cycle] for cycle in cycles], dtype=np.int64)
    return candidates(select(logits, allowed, settings.k), targets, settings)


def allowed_cycles(
    names: Sequence[str], teachers: Mapping[str, TeacherSettings], assignment: Assignment
) -> dict[str, npt.NDArray[np.bool_]]:
    """Return a mask ``(cycles,)`` of the cycles of `train` and `val` that each teacher may label.

    A teacher of a fold labels this fold. All teachers label validation cycles, on which no teacher trains.

    Args:
        names: Ids of the teachers.
        teachers: Settings of all teachers.
        assignment: Labels and subsets of the cycles.
    """
    cycles, found = assignment.cycles("train", "val"), {}
    for name in names:
        fold = teachers[name].fold
        held_out = folds.members(assignment, fold) if fold else set()
        found[name] = np.array(
            [fold is None or cycle in held_out or assignment.subsets[cycle] == "val" for cycle in cycles]
        )
    return found


def decide(
    known: Mapping[str, TeacherSettings], settings: SoftLabelSettings, assignment: Assignment, folder: Path
) -> dict[str, Any]:
    """Return the decisions of the stage for its record, with teachers as ``teacher/<id>``.

    Args:
        known: Settings of all teachers.
        settings: Choice and combination of the teachers.
        assignment: Labels and subsets of the cycles.
        folder: Folder of the trained teachers.

    Returns:
        ``subsets``; ``teachers`` in the order in which they are taken; ``compared``, the teachers whose validation
        Scores decided the choice; ``labelled_by``, groups of cycles with the teachers that label them.
    """
    chosen = choice.choose(known, settings, folder)
    groups: dict[tuple[str, ...], list[str]] = {}
    if chosen and settings.combination != "label_noise":
        order = first_allowed(np.stack(list(allowed_cycles(chosen, known, assignment).values())), settings.k)
        for cycle, places in zip(assignment.cycles("train", "val"), order.T, strict=True):
            groups.setdefault(tuple(chosen[place] for place in places), []).append(cycle)
    return {
        "subsets": assignment.by_subset(),
        "teachers": models(chosen),
        "compared": models(choice.compared(known, settings, folder)),
        "labelled_by": [{"teachers": models(names), "cycles": cycles} for names, cycles in groups.items()],
    }


def models(ids: Iterable[str]) -> list[str]:
    """Return the model names ``teacher/<id>`` of teachers."""
    return [f"teacher/{name}" for name in ids]


def table(cycles: Sequence[str], logits: Mapping[str, Logits], soft: SoftLabels | None) -> pa.Table:
    """Return the table of soft labels; without teachers it has no rows.

    Args:
        cycles: Ids of the cycles.
        logits: Logits ``(cycles, classes)`` of each teacher.
        soft: Soft labels ``(cycles, candidates, classes)``; None without teachers.
    """
    vector = pa.list_(pa.float32())
    columns: dict[str, pa.Array] = {
        "cycle_id": pa.array(cycles if soft is not None else [], pa.string()),
        "soft_labels": pa.array([] if soft is None else soft.tolist(), pa.list_(vector)),
    }
    columns |= {f"logits.{teacher}": pa.array(list(rows), vector) for teacher, rows in logits.items()}
    return pa.table(columns)


def predict_logits(
    names: Sequence[str], assignment: Assignment, *, folder: Path, caches: Path, compute: ComputeSettings
) -> dict[str, Logits]:
    """Return the logits ``(cycles, classes)`` of each teacher for all cycles of the training side.

    Args:
        names: Ids of the teachers.
        assignment: Labels and subsets of the cycles.
        folder: Folder of the trained teachers.
        caches: Folder of the feature caches.
        compute: Device and precision.

    Raises:
        BreathlineError: A teacher or its features are missing, or it was trained for other labels.
    """
    cycles, logits = assignment.cycles("train", "val"), {}
    with Progress(console=console(), disable=not console().is_terminal, transient=True) as progress:
        for teacher in names:
            bar = progress.add_task(teacher, total=len(cycles))
            hint = f"run `dvc repro train_teacher@{teacher}`"
            with as_breathline_error(where=folder / teacher, hint=hint):
                network, card = artifact.load(folder / teacher, "val")
            if card["labels"] != assignment.labels:
                what = f"The teacher {teacher} was trained for {card['labels']}, not for {assignment.labels}."
                raise BreathlineError(what, where=folder / teacher, hint=hint)
            with as_breathline_error(
                where=caches / card["frontend"], hint=f"run `dvc repro` for the stages fbank@CORPUS-{card['frontend']}"
            ):
                features = Features(caches / card["frontend"])
                features.check_shape(card["frames"], card["mels"])
                features.normalize(Normalization.from_card(card), assignment.sources("train", "val"))
                rows = features.find(cycles)
            logits[teacher] = predict(
                network.to(pick_device(compute)),
                features,
                rows,
                compute=compute,
                on_batch=partial(progress.advance, bar),
            )
    return logits
