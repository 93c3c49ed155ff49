"""The stage `soft_labels`: what the teachers say of every cycle of the training side, and their combined soft label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from rich.progress import Progress

from models import artifact
from models.training.features import Features
from models.training.inference import pick_device, predict
from models.training.settings import ComputeSettings
from tasks import assignment, files, params
from tasks.assignment import Assignment
from tasks.errors import BreathlineError
from tasks.stage import console, stage
from tasks.torch_setup import explained, set_up

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class SoftLabelSettings:
    """How teachers are combined: the mean of the logits of the first `k`, softened by the temperature."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    k: int
    temperature: float


def combine(logits: Sequence[Logits], temperature: float) -> Logits:
    """Return soft labels ``(cycles, classes)``: softmax of the mean logits over T (Toikkanen & Kim, 2025: T = 1)."""
    mean = torch.from_numpy(np.mean(np.stack(logits).astype(np.float64), axis=0)) / temperature
    soft: Logits = mean.softmax(dim=1).float().numpy()
    return soft


def choose(teachers: Sequence[str], settings: SoftLabelSettings) -> list[str]:
    """Return the teachers that make the soft labels: the first `k` in the order of their ids.

    Raises:
        BreathlineError: There are fewer than `k`, or `k` or the temperature is not positive.
    """
    if settings.k < 1 or not settings.temperature > 0:
        raise BreathlineError("k and the temperature must be positive.", where="params.yaml: soft_labels")
    if teachers and settings.k > len(teachers):
        raise BreathlineError(
            f"soft_labels.k is {settings.k}, and there are {len(teachers)} teachers.",
            where="params.yaml: soft_labels.k",
            hint="lower k or add teachers",
        )
    # By id, for DVC does not see the order of a mapping: taking turns in params.yaml would change what no stage reruns.
    return sorted(teachers)[: settings.k]


def check_folders(folder: Path, teachers: Sequence[str]) -> None:
    """Refuse trained teachers that params.yaml does not name: DVC would take them for inputs.

    Raises:
        BreathlineError: Naming the folders, and how to remove them.
    """
    left = sorted(path.name for path in folder.glob("*/") if path.name not in teachers)
    if left:
        raise BreathlineError(
            f"No teacher of params.yaml, but trained: {', '.join(left)}.",
            where=folder,
            hint=f"remove it: rm -r {' '.join(str(folder / name) for name in left)}",
        )


def table(cycles: Sequence[str], logits: Mapping[str, Logits], soft: Logits | None) -> pa.Table:
    """Return the table of soft labels; without teachers it has no rows."""
    vector = pa.list_(pa.float32())
    columns: dict[str, pa.Array] = {
        "cycle_id": pa.array(cycles if soft is not None else [], pa.string()),
        "soft_label": pa.array([] if soft is None else list(soft), vector),
    }
    columns |= {f"logits.{teacher}": pa.array(list(rows), vector) for teacher, rows in logits.items()}
    return pa.table(columns)


def ask(
    teachers: Sequence[str], wanted: Assignment, *, folder: Path, fbank: Path, compute: ComputeSettings
) -> dict[str, Logits]:
    """Return the logits ``(cycles, classes)`` of each teacher for all cycles of the training side.

    Raises:
        BreathlineError: A teacher or the features of its front end are missing, or it was trained for other labels.
    """
    cycles, logits = wanted.cycles("train", "val"), {}
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        for teacher in teachers:
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
        teachers, folder = sorted(params.section(read, "teachers")), Path("data/teachers")
        check_folders(folder, teachers)
        chosen = choose(teachers, settings)
        wanted = assignment.from_params(read)
        set_up(compute)
        logits = ask(teachers, wanted, folder=folder, fbank=Path("data/fbank"), compute=compute)
        soft = combine([logits[teacher] for teacher in chosen], settings.temperature) if chosen else None
        labelled = table(wanted.cycles("train", "val"), logits, soft)
        files.write_table(Path("data/soft_labels/soft_labels.parquet"), labelled)
        log.info("%d cycles labelled by %s", labelled.num_rows, ", ".join(chosen) or "nobody")


if __name__ == "__main__":
    main()
