"""What `train_teacher` and `train_student` share: from tables and caches to a trained network's folder."""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from models import artifact
from models.networks.registry import create as create_network
from models.training import checkpoint as checkpoints
from models.training.features import Features
from models.training.loop import Epoch, Fitted, Part, TrainingData, fit
from models.training.objectives import create as create_objective
from models.training.settings import ComputeSettings, NetworkSettings, Selection, TrainingSettings
from tasks import files
from tasks.errors import BreathlineError
from tasks.icbhi.labels import CLASSES
from tasks.splits import Subset, assign
from tasks.stage import console

CHECKPOINTS = Path(".checkpoints")
CYCLES = Path("data/cycles/cycles.parquet")
JUDGES: dict[Selection, Subset] = {"val": "val", "paper": "test"}


@dataclass(frozen=True, kw_only=True)
class ValidationSettings:
    """Which part of the training side chooses the epoch."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    fraction: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is classified, and which cycles train and judge.

    Attributes:
        labels: A key of `CLASSES`.
        subsets: The subset of each cycle, by sorted `cycle_id`.
        targets: The class index of each of these cycles.
    """

    labels: str
    subsets: dict[str, Subset]
    targets: dict[str, int]

    def cycles(self, *subsets: Subset) -> list[str]:
        """Return the cycles of some subsets, sorted."""
        return [cycle for cycle, subset in self.subsets.items() if subset in subsets]

    def part(self, features: Features, subset: Subset, soft: Mapping[str, npt.NDArray[np.float32]] | None) -> Part:
        """Return a subset's rows, labels and soft labels.

        Raises:
            BreathlineError: A cycle has no soft label.
        """
        cycles = self.cycles(subset)
        labels = np.array([self.targets[cycle] for cycle in cycles], dtype=np.int64)
        if soft is None:
            return Part(rows=features.find(cycles), labels=labels)
        missing = [cycle for cycle in cycles if cycle not in soft]
        if missing:
            raise BreathlineError(
                f"{len(missing)} training cycles have no soft label, such as {missing[0]}.",
                where="data/soft_labels/soft_labels.parquet",
                hint="run `dvc repro soft_labels`",
            )
        return Part(rows=features.find(cycles), labels=labels, soft=np.stack([soft[cycle] for cycle in cycles]))


def read_task(path: Path, *, labels: str, split: str | int, validation: ValidationSettings) -> Task:
    """Return the task that the table of cycles holds for these labels and this split."""
    cycles = pq.read_table(path, columns=["cycle_id", "patient_id", "split", "fold", labels])
    subsets = assign(cycles, labels=labels, split=split, fraction=validation.fraction, seed=validation.seed)
    targets = dict(zip(cycles["cycle_id"].to_pylist(), cycles[labels].to_pylist(), strict=True))
    return Task(labels=labels, subsets=subsets, targets={cycle: targets[cycle] for cycle in subsets})


def train(
    network_settings: NetworkSettings,
    settings: TrainingSettings,
    task: Task,
    *,
    seed: int,
    selections: list[Selection],
    compute: ComputeSettings,
    features: Path,
    weights: Path,
    soft: Mapping[str, npt.NDArray[np.float32]] | None,
    out: Path,
    checkpoints_root: Path,
    log: logging.Logger,
) -> Fitted:
    """Train one network and write its folder; go on where an interrupted run of the same inputs stopped.

    Args:
        network_settings: Architecture, options, front end, weights.
        settings: How to train.
        task: Labels and subsets.
        seed: Of the initialisation, sampling, augmentation and dropout.
        selections: How epochs are chosen; `val` is always among them.
        compute: Device, precision, threads.
        features: The cache of the front end.
        weights: The folder of initial weights.
        soft: Soft label ``(classes,)`` of every training cycle, or none.
        out: The folder to write.
        checkpoints_root: Where checkpoints of interrupted runs lie.
        log: Gets a line an epoch.
    """
    torch.set_num_threads(compute.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    if "val" not in selections:
        raise BreathlineError("The selection val is always made.", where="params.yaml: selections", hint="add val")
    cache = Features(features)
    data = TrainingData(
        features=cache,
        train=task.part(cache, "train", soft),
        judges={selection: task.part(cache, JUDGES[selection], None) for selection in selections},
        classes=len(CLASSES[task.labels]),
    )
    torch.manual_seed(seed)
    network = create_network(
        network_settings.architecture,
        frames=cache.frames,
        mels=cache.mels,
        classes=data.classes,
        options=network_settings.options,
        weights=weights,
    )
    objective = create_objective(settings.objective, data.train.labels, data.classes)
    checkpoint = checkpoints_root / _fingerprint(
        [asdict(network_settings), asdict(settings), asdict(task), asdict(compute), seed, selections, data.train.soft],
        [cache.directory / "features.npy", cache.directory / "index.parquet", weights / "model.safetensors"],
    )
    log.info("%d training cycles, %s", len(data.train.rows), _judges(data))
    with Progress(
        TextColumn("epoch {task.fields[epoch]}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, disable=not console.is_terminal, transient=True,
    ) as progress:  # fmt: skip
        bar = progress.add_task("train", epoch=1)
        fitted = fit(
            network,
            objective,
            settings,
            data,
            seed=seed,
            compute=compute,
            checkpoint=checkpoint,
            on_step=lambda epoch, step, steps: progress.update(bar, epoch=epoch, completed=step, total=steps),
            on_epoch=lambda epoch: log.info("%s", describe(epoch, settings.schedule.epochs)),
        )
    card = {
        "architecture": network_settings.architecture,
        "options": dict(network_settings.options),
        "frontend": network_settings.frontend,
        "frames": cache.frames,
        "mels": cache.mels,
        "labels": task.labels,
        "classes": list(CLASSES[task.labels]),
        "weights": network_settings.weights,
        "seed": seed,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "selections": {
            selection: {name: None if math.isnan(value) else value for name, value in figures.items()}
            for selection, figures in fitted.chosen.items()
        },
    }
    artifact.save(out, {str(selection): state for selection, state in fitted.states.items()}, card)
    with files.replacing(out / "history.csv") as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(fitted.history[0]))
        writer.writeheader()
        writer.writerows(fitted.history)
    checkpoints.remove(checkpoint)
    return fitted


def describe(epoch: Epoch, epochs: int) -> str:
    """Return what the log says of an epoch."""
    row = epoch.row
    return (
        f"epoch {row['epoch']:.0f}/{epochs}  loss {row['train_loss']:.3f}  "
        f"val Score {row['val_score_strict']:.1f} strict, {row['val_score_lenient']:.1f} lenient "
        f"(Sp {row['val_sp']:.1f}, Se {row['val_se_strict']:.1f})  "
        f"{epoch.clips_per_s:.0f} clips/s"
    )


def _judges(data: TrainingData) -> str:
    return ", ".join(f"{len(part.rows)} to judge by ({selection})" for selection, part in data.judges.items())


def _fingerprint(values: list[Any], inputs: list[Path]) -> str:
    """Return a hash of all that a training depends on."""
    digest = hashlib.sha256()
    for value in values:
        plain = value.tobytes() if isinstance(value, np.ndarray) else json.dumps(value, sort_keys=True).encode()
        digest.update(plain)
    for path in inputs:
        digest.update(files.sha256(path).encode() if path.exists() else b"absent")
    return digest.hexdigest()[:24]
