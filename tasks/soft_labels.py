"""The stage `soft_labels`: what teachers say of every cycle of the training side, and the soft labels made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.progress import Progress

from models import artifact
from models.training.features import Features
from models.training.inference import pick_device, predict
from models.training.settings import ComputeSettings
from tasks import artifacts
from tasks.distillation.soft_targets import Logits, SoftLabels, SoftLabelSettings, candidates, select
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
    unseen = {}
    for name in logits:
        fold = teachers[name].fold
        held_out = folds.members(wanted, fold) if fold else set()
        # Nobody trains on validation patients, so everybody may label them.
        unseen[name] = np.array(
            [fold is None or cycle in held_out or wanted.subsets[cycle] == "val" for cycle in cycles]
        )
    targets = np.array([wanted.targets[cycle] for cycle in cycles], dtype=np.int64)
    return candidates(select(logits, unseen, settings.k), targets, settings)


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
    with stage("soft_labels") as log:
        read = params.read()
        settings = params.parse(SoftLabelSettings, params.section(read, "soft_labels"), "soft_labels")
        compute = params.parse(ComputeSettings, params.section(read, "compute"), "compute")
        known = teachers.read(read)
        teachers.check_folders(artifacts.TEACHERS, known)
        wanted = assignment.from_params(read)
        set_up(compute)
        logits = ask(list(known), wanted, folder=artifacts.TEACHERS, fbank=artifacts.FEATURE_CACHES, compute=compute)
        chosen = teachers.choose(known, settings, artifacts.TEACHERS)
        soft = label({name: logits[name] for name in chosen}, known, wanted, settings) if chosen else None
        labelled = table(wanted.cycles("train", "val"), logits, soft)
        files.write_table(artifacts.SOFT_LABELS, labelled)
        who = f"{settings.k} a cycle, {settings.exposure}, of {', '.join(chosen)}" if chosen else "nobody"
        log.info("%d cycles labelled by %s", labelled.num_rows, who)


if __name__ == "__main__":
    main()
