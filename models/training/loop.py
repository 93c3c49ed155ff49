"""The training loop, for teachers and student alike. It knows no method by name."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from models.networks.base import Network
from models.training.averaging import create as create_average
from models.training.batches import Batches
from models.training.distributed import Team
from models.training.inference import autocast, pick_device
from models.training.objectives import Objective
from models.training.optimizers import create as create_optimizer
from models.training.optimizers import schedule
from models.training.randomness import seed_of
from models.training.selection import Fitted, TrainingData, check, is_over, judge, keep
from models.training.settings import ComputeSettings, Selection, TrainingSettings
from models.training.state import SAVE_EVERY, Position, Savepoints, Stateful
from models.training.steps import Loss, Steps
from models.training.throughput import Meter, Throughput, count

OnBatch = Callable[[int, str, int, int], None]


@dataclass(frozen=True)
class Epoch:
    """What is reported after an epoch; the speed is measured, and therefore in no out."""

    row: Mapping[str, float]
    speed: Throughput | None

    @property
    def clips_per_s(self) -> float:
        """Cycles a second; none of an epoch whose last step an interrupted run had taken."""
        return math.nan if self.speed is None else self.speed.clips_per_s


def fit(
    network: Network,
    objective: Objective,
    settings: TrainingSettings,
    data: TrainingData,
    *,
    seed: int,
    compute: ComputeSettings,
    checkpoint: Path,
    team: Team = Team(),  # noqa: B008 - it is frozen
    save_every: float = SAVE_EVERY,
    on_batch: OnBatch = lambda epoch, phase, done, total: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Fitted:
    """Train a network and return it at the best epoch of each selection, judged by the strict Score.

    Equal arguments give equal bytes on a CPU, also when the training is interrupted at any moment and called again:
    all that it needs to go on is written to ``checkpoint`` after every epoch and every so often within.

    Args:
        network: Trained in place.
        objective: Gives the loss.
        settings: How to train.
        data: Cycles to train on and to judge by.
        seed: Of sampling, augmentation and dropout.
        compute: Device, precision, memory for features.
        checkpoint: A folder that belongs to these inputs alone, and that all processes see.
        team: The processes of this training. All call this function alike; the first one's result is the whole one.
        save_every: Seconds between two checkpoints.
        on_batch: Called by the first process after each batch with the epoch (from 1), ``train`` or the selection
            that judges, and how many cycles of how many are done.
        on_epoch: Called by the first process after each epoch.

    Raises:
        ValueError: The cycles do not allow it (see `check`), or the processes cannot share the batches.
        FloatingPointError: A figure of an epoch is infinite or not a number.
        RuntimeError: The first process failed, in the others.
    """
    check(settings, data)
    training = _Training(network, objective, settings, data, seed=seed, compute=compute, team=team)
    training.on_batch = on_batch if team.first else _nothing
    savepoints = Savepoints(checkpoint, training.parts, training.fitted, training.position, every=save_every)
    savepoints.restore()
    team.wait()  # for the first may soon write the next checkpoint, or remove this one
    with data.features.held(data.rows, training.device, gigabytes=compute.cache_gb):
        while not training.is_over:
            speed = training.train_epoch(savepoints.write_if_due if team.first else _nothing)
            row = training.judge_epoch()
            if team.first:
                on_epoch(Epoch(row=row, speed=speed))
                savepoints.write()
    return training.fitted


class _Training:
    """A training between two of its moments.

    Attributes:
        device: Where it happens.
        fitted: What came of it so far.
        position: How far it is.
        parts: What has a state.
        on_batch: Called after each batch.
    """

    on_batch: OnBatch

    def __init__(
        self,
        network: Network,
        objective: Objective,
        settings: TrainingSettings,
        data: TrainingData,
        *,
        seed: int,
        compute: ComputeSettings,
        team: Team,
    ) -> None:
        self.device = device = pick_device(compute)
        self._network, self._settings, self._data = network, settings, data
        self._seed, self._compute, self._team = seed, compute, team
        network.to(device)
        if network.channels_last:
            network.to(memory_format=torch.channels_last)
        objective.to(device)
        context = autocast(compute, device)
        draw = partial(objective.draw, network)
        self._batches = Batches(settings, data.train, data.features, seed=seed, device=device, team=team, draw=draw)
        work = count(network, objective, data, device)
        self._meter = Meter(work, context=context, device=device, devices=team.size)
        team.prepare(network, objective, device=device)
        optimizer = create_optimizer(settings.optimizer, network, objective)
        rates = schedule(settings.schedule, optimizer, self._batches.steps)
        average = create_average(settings.moving_average, network, objective)
        loss = Loss(network, objective)
        if compute.compile:
            loss.compile(dynamic=False)
        self._steps = Steps(
            team.share_gradients(loss, unused=work.unused), optimizer, rates, average, context=context, team=team
        )
        self._judged = average.judged
        self.fitted = Fitted(states={}, chosen={}, history=[])
        self.position = Position(loss=torch.zeros((), device=device))
        self.parts: dict[str, Stateful] = {
            "network": network, "objective": objective, "optimizer": optimizer, "schedule": rates, "average": average
        }  # fmt: skip

    @property
    def is_over(self) -> bool:
        """Whether all epochs are done, or the validation Score improves no more."""
        return self.position.epoch > self._settings.schedule.epochs or is_over(self.fitted, self._settings.patience)

    def train_epoch(self, after_step: Callable[[], None]) -> Throughput | None:
        """Take the steps that the present epoch still lacks; return the speed, if there were any."""
        position, steps, batches = self.position, self._steps, self._batches
        self._network.train()
        first, passes, started = position.step, steps.passes, time.perf_counter()
        for batch in batches.epoch(position.epoch, done=first):
            place = (position.epoch, position.step, self._team.rank)
            torch.manual_seed(seed_of(self._seed, "network", *place))  # of dropout and its like
            position.rate = steps.rate
            position.loss += steps.take(batch)
            position.step += 1
            after_step()
            size = self._settings.batch_size
            self.on_batch(position.epoch, "train", position.step * size, batches.steps * size)
        float(position.loss)  # a GPU may still be at work
        taken = position.step - first
        if not taken:
            return None
        return self._meter.read(
            clips=taken * self._settings.batch_size,
            steps=taken,
            passes=steps.passes - passes,
            seconds=time.perf_counter() - started,
        )

    def judge_epoch(self) -> dict[str, float]:
        """Let the first process judge and keep the network; return the epoch's figures, and go to the next one."""
        row, chosen = self._team.by_first(self._judge_and_keep)
        self.fitted.chosen.update(chosen)
        self.fitted.history.append(row)
        self.position.next_epoch()
        return row

    def _judge_and_keep(self) -> tuple[dict[str, float], dict[Selection, dict[str, float]]]:
        position, data = self.position, self._data
        row = {"epoch": position.epoch, "lr": position.rate, "train_loss": float(position.loss) / self._batches.steps}
        for selection in data.judges:
            shown = partial(self.on_batch, position.epoch, selection)
            row |= judge(selection, self._judged, data, compute=self._compute, on_batch=shown)
        if not all(map(math.isfinite, row.values())):
            what = f"The training diverged in epoch {position.epoch}: the loss is {row['train_loss']}."
            raise FloatingPointError(what)
        for selection in data.judges:
            keep(self.fitted, selection, row, self._judged)
        return row, self.fitted.chosen


def _nothing(*_: object) -> None:
    """Do nothing."""
