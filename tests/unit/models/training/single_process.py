"""Trainings in one process, and the comparison of their results."""

from pathlib import Path
from typing import Any

import torch

from models.networks.base import Network
from models.training.augmentation_settings import SpecAugmentSettings
from models.training.loop import fit
from models.training.objectives import CrossEntropy, Objective
from models.training.selection import TrainingData, TrainingResult
from models.training.settings import ScheduleSettings, TrainingSettings
from tests.unit.models.training import toys

LONG = ScheduleSettings(epochs=12, warmup_epochs=1, final_lr_fraction=0.01)
PLAIN = SpecAugmentSettings(policy="none", fill="mean", gate="uniform")


def train(
    folder: Path,
    settings: TrainingSettings,
    data: TrainingData,
    network: Network | None = None,
    objective: Objective | None = None,
    **callbacks: Any,
) -> TrainingResult:
    return fit(
        network or toys.network(),
        objective or CrossEntropy(0.1, None),
        settings,
        data,
        seed=1,
        compute=callbacks.pop("compute", toys.CPU),
        checkpoint=folder / "checkpoint",
        **callbacks,
    )


def same(one: TrainingResult, other: TrainingResult) -> bool:
    equal = one.history == other.history and one.best == other.best
    return equal and all(
        torch.equal(tensor, other.states[name][key])
        for name, state in one.states.items()
        for key, tensor in state.items()
    )
