"""Small networks and feature caches that train in a second, trainings in one process, and the comparison of results."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from models.networks.base import Network
from models.training.augmentation_settings import FreqMixStyleSettings, SpecAugmentSettings, WaveformSettings
from models.training.averaging import create as create_average
from models.training.batches import Batches
from models.training.distributed import ProcessGroup
from models.training.features import Features
from models.training.loop import fit
from models.training.normalization import CycleSources, Normalization
from models.training.objectives import CrossEntropy, Objective
from models.training.optimizers import create as create_optimizer
from models.training.schedules import schedule
from models.training.selection import LabelledCycles, TrainingData, TrainingResult
from models.training.settings import (
    ComputeSettings,
    NormalizationSettings,
    ObjectiveSettings,
    OptimizerSettings,
    ScheduleSettings,
    TrainingSettings,
)
from models.training.steps import Loss, Steps

CPU = ComputeSettings(device="cpu", precision="auto", threads=1)
FRAMES, MELS, CLASSES = 20, 16, 4


class TinyNetwork(Network):
    """Convolution with BatchNorm, dropout, the mean over time and a linear head."""

    channels_last = True

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.1))
        self.num_features = 8 * 7
        self.head = nn.Linear(self.num_features, CLASSES)

    def embed(self, features: Tensor) -> Tensor:
        maps: Tensor = self.body(features.unsqueeze(1))
        return maps.mean(2).flatten(1)


class Linear(Network):
    """Linear layer on the flattened features, without random parts."""

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.num_features = inputs
        self.head = nn.Linear(inputs, classes)

    def embed(self, features: Tensor) -> Tensor:
        return features.flatten(1)


def settings(**changes: object) -> TrainingSettings:
    values: dict[str, object] = {
        "objective": ObjectiveSettings(name="cross_entropy", label_smoothing=0.1),
        "optimizer": optimizer(),
        "schedule": ScheduleSettings(epochs=3, warmup_epochs=1, final_lr_fraction=0.01),
        "sampler": "weighted",
        "batch_size": 8,
        "specaugment": SpecAugmentSettings(policy="icbhi_ast_sup"),
    }
    return TrainingSettings(**(values | changes))


def optimizer(**changes: object) -> OptimizerSettings:
    return OptimizerSettings(**({"name": "adamw", "lr": 0.01, "weight_decay": 1e-4} | changes))


def write_cache(
    folder: Path, labels: np.ndarray, *, frames: int = FRAMES, mels: int = MELS, first: int = 101, frontend: str = ""
) -> list[str]:
    """Write a cache in which the class of a cycle decides which quarter of the mels is louder; return the cycles."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0)
    features = noise.normal(0, 1, (len(labels), frames, mels))
    for row, label in enumerate(labels.tolist()):
        features[row, :, label * mels // CLASSES : (label + 1) * mels // CLASSES] += 1
    cycles = [f"{first + row // 6}_1b1_Al_sc_Meditron_{row % 6:03d}" for row in range(len(labels))]
    np.save(folder / "features.npy", features.astype(np.float16))
    index = {"cycle_id": cycles, "row": np.arange(len(labels), dtype=np.int32)}
    pq.write_table(pa.table(index), folder / "index.parquet")
    (folder / "statistics.json").write_text(
        json.dumps({"frontend": frontend or folder.name, "duration_s": 2.0, "pad": "repeat", "fade": True})
    )
    return cycles


def data(folder: Path, *, train: int = 70, judge: int = 40, paper: bool = False) -> TrainingData:
    """Return data of four classes with a partial last batch."""
    labels = np.random.default_rng(1).integers(0, CLASSES, train + judge)
    if not (folder / "cache").exists():
        write_cache(folder / "cache", labels)
    rows = np.arange(train + judge)
    judges = {"val": LabelledCycles(rows=rows[train:], labels=labels[train:])}
    if paper:
        judges["paper"] = judges["val"]
    part = LabelledCycles(rows=rows[:train], labels=labels[:train])
    return TrainingData(features=Features(folder / "cache"), train=part, selections=judges, classes=CLASSES)


def with_devices(data: TrainingData) -> TrainingData:
    """Return data whose features are those of a front end with a scale, normalised by device, for balanced samplers."""
    path, devices = data.features.directory / "statistics.json", np.arange(len(data.features.rows)) % 3
    path.write_text(json.dumps(json.loads(path.read_text()) | {"frontend": "ast"}))
    features = Features(data.features.directory)
    fitted = Normalization.fit(NormalizationSettings(spectrum="device_of_the_data"), features.means(data.train.rows))
    names = devices.astype(str).tolist()
    features.normalize(fitted, [CycleSources(list(features.rows), names, names)])
    part = replace(data.train, domains=devices[data.train.rows])
    return replace(data, features=features, train=part)


AGAINST_SHIFT: dict[str, object] = {
    "sampler": "device_balanced",
    "freq_mixstyle": FreqMixStyleSettings(probability=0.5),
    "waveform": WaveformSettings(equalization_db=6.0),
}


def network(seed: int = 0) -> TinyNetwork:
    torch.manual_seed(seed)
    return TinyNetwork()


def take_step(built: Optimizer, loss: Callable[..., Tensor], *inputs: Any) -> Tensor:
    """Take one step of an optimiser, which may compute the loss of the inputs more than once, and return the loss."""

    def closure() -> Tensor:
        built.zero_grad()
        found = loss(*inputs)
        found.backward()
        return found.detach()

    return built.step(closure)


def steps(
    chosen: TrainingSettings,
    data: TrainingData,
    network: Network,
    objective: Objective,
    *,
    device: torch.device = torch.device("cpu"),  # noqa: B008
    context: Any = nullcontext,
) -> tuple[Batches, Steps]:
    """Return the batches and steps of a training in one process."""
    group, draw = ProcessGroup(), partial(objective.draw, network)
    batches = Batches(chosen, data.train, data.features, seed=1, device=device, group=group, draw=draw)
    built, average = create_optimizer(chosen.optimizer, network, objective), chosen.moving_average
    rates, averaged = schedule(chosen.schedule, built, batches.steps), create_average(average, network, objective)
    return batches, Steps(Loss(network, objective), built, rates, averaged, context=context, group=group)


SHORT = ScheduleSettings(epochs=1)
LONG = ScheduleSettings(epochs=12, warmup_epochs=1, final_lr_fraction=0.01)
PLAIN = SpecAugmentSettings(policy="none", fill="mean", gate="uniform")


def train(
    folder: Path, settings: TrainingSettings, data: TrainingData, objective: Objective | None = None, **given: Any
) -> TrainingResult:
    return fit(
        given.pop("network", None) or network(),
        objective or CrossEntropy(0.1, None),
        settings,
        data,
        seed=1,
        compute=given.pop("compute", CPU),
        checkpoint=folder / "checkpoint",
        **given,
    )


def same(one: TrainingResult, other: TrainingResult) -> bool:
    pairs = ((getattr(one, key), getattr(other, key)) for key in ("history", "best", "first_losses"))
    return all(first == second for first, second in pairs) and all(
        torch.equal(tensor, other.states[name][key])
        for name, state in one.states.items()
        for key, tensor in state.items()
    )
