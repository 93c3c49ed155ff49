"""Trainings in several processes; functions of a module, since spawned processes import them."""

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.networks.base import Network, PatchNetwork
from models.training.distributed import ProcessGroup
from models.training.loop import fit
from models.training.registry import create
from models.training.selection import TrainingResult
from models.training.settings import ComputeSettings, MovingAverageSettings, TrainingSettings
from tests.unit.models.training import toys

TWO = ComputeSettings(device="cpu", precision="fp32", threads=1, processes=2)


class Normed(Network):
    """Two linear layers with a LayerNorm between them: the output of a cycle does not depend on other cycles."""

    def __init__(self) -> None:
        super().__init__()
        self.num_features = 12
        self.is_main = nn.Linear(toys.FRAMES * toys.MELS, 12)
        self.norm = nn.LayerNorm(12)
        self.unused = nn.Linear(3, 3)
        self.head = nn.Linear(12, toys.CLASSES)

    def embed(self, features: Tensor) -> Tensor:
        return torch.relu(self.norm(self.is_main(features.flatten(1))))


class Patches(PatchNetwork):
    """Patches of four by four bins and the mean over them."""

    def __init__(self) -> None:
        super().__init__()
        self.num_features = 12
        self.grid = (toys.MELS // 4, toys.FRAMES // 4)
        self.is_main = nn.Linear(16, 12)
        self.norm = nn.LayerNorm(12)
        self.head = nn.Linear(12, toys.CLASSES)

    def patches(self, features: Tensor) -> Tensor:
        cells = features.transpose(1, 2).unflatten(2, (self.grid[1], 4)).unflatten(1, (self.grid[0], 4))
        return self.is_main(cells.transpose(2, 3).flatten(3).flatten(1, 2))

    def encode(self, patches: Tensor) -> Tensor:
        return torch.relu(self.norm(patches)).mean(1)


def settings(**changes: object) -> TrainingSettings:
    """Return settings with SAM, augmentation and an average."""
    average = MovingAverageSettings(kind="ema", decay=0.8)
    sam = toys.optimizer(name="sam", clip_norm=1.0)
    return toys.settings(**({"optimizer": sam, "moving_average": average} | changes))


def train(folder: Path, group: ProcessGroup = ProcessGroup(), **changes: Any) -> TrainingResult:  # noqa: B008
    torch.set_num_threads(1)
    torch.manual_seed(0)
    chosen, data = changes.pop("settings", None) or settings(), toys.data(folder)
    network = Patches() if chosen.objective.name == "patchmix_cl" else Normed()
    return fit(
        network,
        create(chosen.objective, data.train.labels, data.classes, network),
        chosen,
        data,
        seed=1,
        compute=toys.CPU,
        checkpoint=folder / "checkpoint",
        group=group,
        **changes,
    )


def train_and_write(folder: Path, chosen: TrainingSettings, group: ProcessGroup) -> None:
    result = train(folder, group, settings=chosen)
    torch.save(vars(result), folder / f"{group.rank}.pt")


def interrupt_main_process(folder: Path, moment: str, group: ProcessGroup) -> None:
    """Let the main process fail during evaluation, or kill it within an epoch."""

    def fail(epoch: int, phase: str, done: int, total: int) -> None:
        if moment == phase == "val":
            raise ArithmeticError("the evaluation failed")
        if moment == phase == "train" and done == 40:
            os.kill(os.getpid(), signal.SIGKILL)

    train(folder, group, on_batch=fail, save_every=0.0)


def state(result: TrainingResult) -> np.ndarray:
    return np.concatenate([tensor.numpy().ravel() for tensor in result.states["val"].values()])
