"""The stage `soft_labels`: what teachers say of every cycle of the training side, and the soft labels made of it."""

from __future__ import annotations

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
from models.training.settings import ComputeSettings
from tasks import artifacts
from tasks.distillation.soft_targets import Logits, SoftLabels, SoftLabelSettings, candidates, first_allowed, select
from tasks.runtime import files, params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import console, stage
from tasks.subsets import assignment, folds
from tasks.subsets.assignment import Assignment
from tasks.training import teachers
from tasks.training.teachers import TeacherSettings
from tasks.training.torch_setup import explained, set_up


def label(
    logits: Mapping[str, Logits],
    teachers: Mapping[str, TeacherSettings],
    wanted: Assignment,
    settings: SoftLabelSettings,
) -> SoftLabels:
    """Return the soft labels ``(cycles, candidates, classes)`` of the training side.

    Args:
        logits: Of the teachers that were chosen, in order, for the cycles of `train` and `val`.
        teachers: All teachers; of each the fold that it never saw.
        wanted: Labels and subsets.
        settings: How teachers are combined.

    Raises:
        BreathlineError: A cycle has too few teachers.
    """
    cycles = wanted.cycles("train", "val")
    unseen = allowed_cycles(list(logits), teachers, wanted)
    targets = np.array([wanted.targets[cycle] for cycle in cycles], dtype=np.int64)
    return candidates(select(logits, unseen, settings.k), targets, settings)


def allowed_cycles(
    names: Sequence[str], teachers: Mapping[str, TeacherSettings], wanted: Assignment
) -> dict[str, npt.NDArray[np.bool_]]:
    """Return by teacher the cycles ``(cycles,)`` of `train` and `val` that the teacher may label.

    A teacher of a fold labels this fold. All teachers label validation cycles, on which no teacher trains.
    """
    cycles, found = wanted.cycles("train", "val"), {}
    for name in names:
        fold = teachers[name].fold
        held_out = folds.members(wanted, fold) if fold else set()
        found[name] = np.array(
            [fold is None or cycle in held_out or wanted.subsets[cycle] == "val" for cycle in cycles]
        )
    return found


def decide(
    known: Mapping[str, TeacherSettings], settings: SoftLabelSettings, wanted: Assignment, folder: Path
) -> dict[str, Any]:
    """Return the decisions of the stage for its record, with teachers as ``teacher/<id>``.

    Returns:
        ``subsets``; ``teachers`` in the order in which they are taken; ``compared``, the teachers whose validation
        Scores decided the choice; ``labelled_by``, groups of cycles with the teachers that label them.
    """
    chosen = teachers.choose(known, settings, folder)
    groups: dict[tuple[str, ...], list[str]] = {}
    if chosen and settings.combination != "label_noise":
        order = first_allowed(np.stack(list(allowed_cycles(chosen, known, wanted).values())), settings.k)
        for cycle, places in zip(wanted.cycles("train", "val"), order.T, strict=True):
            groups.setdefault(tuple(chosen[place] for place in places), []).append(cycle)
    return {
        "subsets": wanted.by_subset(),
        "teachers": models(chosen),
        "compared": models(teachers.compared(known, settings, folder)),
        "labelled_by": [{"teachers": models(names), "cycles": cycles} for names, cycles in groups.items()],
    }


def models(ids: Iterable[str]) -> list[str]:
    """Return the model names ``teacher/<id>`` of teachers."""
    return [f"teacher/{name}" for name in ids]


def table(cycles: Sequence[str], logits: Mapping[str, Logits], soft: SoftLabels | None) -> pa.Table:
    """Return the table of soft labels; without teachers it has no rows."""
    vector = pa.list_(pa.float32())
    columns: dict[str, pa.Array] = {
        "cycle_id": pa.array(cycles if soft is not None else [], pa.string()),
        "soft_labels": pa.array([] if soft is None else soft.tolist(), pa.list_(vector)),
    }
    columns |= {f"logits.{teacher}": pa.array(list(rows), vector) for teacher, rows in logits.items()}
    return pa.table(columns)


def ask(
    names: Sequence[str], wanted: Assignment, *, folder: Path, fbank: Path, compute: ComputeSettings
) -> dict[str, Logits]:
    """Return the logits ``(cycles, classes)`` of each teacher for all cycles of the training side.

    Raises:
        BreathlineError: A teacher or the features of its front end are missing, or it was trained for other labels.
    """
    cycles, logits = wanted.cycles("train", "val"), {}
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        for teacher in names:
            bar = progress.add_task(teacher, total=len(cycles))
            again = f"run `dvc repro train_teacher@{teacher}`"
            with explained(where=folder / teacher, hint=again):
                network, card = artifact.load(folder / teacher, "val")
            if card["labels"] != wanted.labels:
                what = f"The teacher {teacher} knows {card['labels']}, not {wanted.labels}."
                raise BreathlineError(what, where=folder / teacher, hint=again)
            with explained(where=fbank / card["frontend"], hint=f"run `dvc repro fbank@{card['frontend']}`"):
                features = Features(fbank / card["frontend"])
                rows = features.find(cycles)
            logits[teacher] = predict(
                network.to(pick_device(compute)),
                features,
                rows,
                compute=compute,
                on_batch=partial(progress.advance, bar),
            )
    return logits


def main() -> None:
    """Run the stage."""
    decided: dict[str, Any] = {}
    with stage("soft_labels", decided) as log:
        read = params.read()
        settings = params.parse(SoftLabelSettings, params.section(read, "soft_labels"), "soft_labels")
        compute = params.parse(ComputeSettings, params.section(read, "compute"), "compute")
        known = teachers.read(read)
        teachers.check_folders(artifacts.TEACHERS, known)
        wanted = assignment.from_params(read)
        set_up(compute)
        decided |= decide(known, settings, wanted, artifacts.TEACHERS)
        logits = ask(list(known), wanted, folder=artifacts.TEACHERS, fbank=artifacts.FEATURE_CACHES, compute=compute)
        chosen = teachers.choose(known, settings, artifacts.TEACHERS)
        soft = label({name: logits[name] for name in chosen}, known, wanted, settings) if chosen else None
        labelled = table(wanted.cycles("train", "val"), logits, soft)
        files.write_table(artifacts.SOFT_LABELS, labelled)
        who = f"{settings.k} a cycle, {settings.exposure}, of {', '.join(chosen)}" if chosen else "nobody"
        log.info("%d cycles labelled by %s", labelled.num_rows, who)


if __name__ == "__main__":
    main()
