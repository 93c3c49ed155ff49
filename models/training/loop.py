"""Training loop of teachers and students, independent of objective, optimiser and network."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import torch

from models.networks.base import Network
from models.training.averaging import create as create_average
from models.training.batches import Batches
from models.training.distributed import ProcessGroup
from models.training.divergence import FiniteSteps, figures_error, step_error
from models.training.inference import autocast, pick_device
from models.training.memory import why_indivisible
from models.training.objectives import Objective
from models.training.optimizers import create as create_optimizer
from models.training.randomness import derive_seed
from models.training.schedules import schedule
from models.training.selection import TrainingData, TrainingResult, check_data, evaluate, should_stop, update_best
from models.training.settings import ComputeSettings, Selection, TrainingSettings
from models.training.state import SAVE_EVERY, Checkpointer, Position, Stateful
from models.training.steps import Loss, Steps
from models.training.throughput import Throughput, device_peak, measure_cost

FIRST_STEPS = 8  # steps whose losses identify a training
OnBatch = Callable[[int, str, int, int], None]


@dataclass(frozen=True)
class Epoch:
    """Report of an epoch."""

    row: Mapping[str, float]  # figures of the epoch, as in history.csv
    speed: Throughput | None  # measured speed, which no output contains; none if no step was taken

    @property
    def clips_per_s(self) -> float:
        """Cycles per second; NaN where an interrupted run had taken all steps of the epoch."""
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
    group: ProcessGroup = ProcessGroup(),  # noqa: B008 - it is frozen
    save_every: float = SAVE_EVERY,
    on_batch: OnBatch = lambda epoch, phase, done, total: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> TrainingResult:
    """Train a network and return it at the best epoch of each selection, by the strict Score.

    Equal arguments give equal bytes on a CPU, also when the training is interrupted at any moment and called again. Its
    state is written to ``checkpoint`` after every epoch and at intervals within.

    Args:
        network: Network, which is trained in place.
        objective: Objective that computes the loss.
        settings: Settings of the training.
        data: Cycles for training and for the selection of epochs.
        seed: Random seed of sampling, augmentation and dropout.
        compute: Device, precision, memory for features.
        checkpoint: Folder of the checkpoint, used by equal inputs only and shared by all processes.
        group: Processes of the training, which all call this function; only the main one returns the full result.
        save_every: Seconds between two checkpoints.
        on_batch: Callback of the main process after each batch: epoch (from 1), ``train`` or a selection, number of
            finished cycles, number of all cycles.
        on_epoch: Callback of the main process after each epoch.

    Raises:
        ValueError: The cycles are too few (see `check_data`), or the processes cannot share the batches.
        DivergenceError: A loss, a gradient or a figure of an epoch is not finite. The checkpoint before it stays.
        StepMemoryError: A step does not fit into memory, also not in smaller parts.
        RuntimeError: The main process failed; raised in the other processes.
    """
    check_data(settings, data)
    training = _Training(network, objective, settings, data, seed=seed, compute=compute, group=group)
    training.on_batch = on_batch if group.is_main else _nothing
    checkpointer = Checkpointer(checkpoint, training.stateful, training.result, training.position, every=save_every)
    if (found := group.compute_on_main(checkpointer.find)) is not None:
        checkpointer.restore(found)
    group.barrier()  # the main process may soon replace or remove the checkpoint

    def after_step() -> None:
        if training.device.type == "cpu" or (group.is_main and checkpointer.is_due):
            training.check_steps()
        if group.is_main and checkpointer.is_due:
            checkpointer.write()

    with data.features.on_device(data.rows, training.device, gigabytes=compute.cache_gb):
        while not training.is_finished:
            speed = training.train_epoch(after_step)
            row = training.evaluate_epoch()
            if group.is_main:
                on_epoch(Epoch(row=row, speed=speed))
                checkpointer.write()
    return training.result


def first_losses(
    network: Network,
    objective: Objective,
    settings: TrainingSettings,
    data: TrainingData,
    *,
    seed: int,
    compute: ComputeSettings,
) -> list[float]:
    """Return the losses of the first steps of a training, as `fit` records them.

    The arguments are those of `fit`; the network is changed.

    Raises:
        DivergenceError: A loss or a gradient is not finite.
        StepMemoryError: A step does not fit into memory, also not in smaller parts.
    """
    training = _Training(network, objective, settings, data, seed=seed, compute=compute, group=ProcessGroup())
    training.on_batch = _nothing
    with data.features.on_device(data.rows, training.device, gigabytes=compute.cache_gb):
        training.train_epoch(_nothing, most=FIRST_STEPS)
    return training.result.first_losses


class _Training:
    """State of a training.

    Attributes:
        device: Device of the network.
        result: Best networks and history so far.
        position: Present epoch and step.
        stateful: Parts whose state a checkpoint holds, by name.
        on_batch: Callback after each batch.
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
        group: ProcessGroup,
    ) -> None:
        self.device = device = pick_device(compute)
        self._network, self._settings, self._data = network, settings, data
        self._seed, self._compute, self._group = seed, compute, group
        network.to(device)
        if network.channels_last:
            network.to(memory_format=torch.channels_last)
        objective.to(device)
        context = autocast(compute, device)
        draw = partial(objective.draw, network)
        self._batches = Batches(
            settings, data.train, data.features, seed=seed, device=device, group=group, draw=draw, heads=data.heads
        )
        self._cost, self._peak = measure_cost(network, objective, data, device), device_peak(device, context)
        group.synchronise_batch_norm(network, objective, device=device)
        optimizer = create_optimizer(settings.optimizer, network, objective)
        rates = schedule(settings.schedule, optimizer, self._batches.steps)
        average = create_average(settings.moving_average, network, objective)
        loss = Loss(network, objective)
        if compute.compile:
            loss.compile(dynamic=False)
        self._steps = Steps(
            group.average_gradients(loss, unused=self._cost.unused_parameters),
            optimizer,
            rates,
            average,
            context=context,
            group=group,
            indivisible=why_indivisible(network, objective, group.size),
        )
        self._averaged, self._finite = average.network, FiniteSteps()
        self.result = TrainingResult(states={}, best={}, history=[], first_losses=[])
        self.position = Position(loss=torch.zeros((), device=device))
        self.stateful: dict[str, Stateful] = {
            "network": network, "objective": objective, "optimizer": optimizer, "schedule": rates, "average": average,
            "steps": self._steps,
        }  # fmt: skip

    @property
    def is_finished(self) -> bool:
        """True if all epochs are done, or early stopping applies."""
        return self.position.epoch > self._settings.schedule.epochs or should_stop(self.result, self._settings.patience)

    def train_epoch(self, after_step: Callable[[], None], most: int | None = None) -> Throughput | None:
        """Take the remaining steps of the current epoch; return the speed, or none without steps.

        Args:
            after_step: Callback after each step.
            most: Largest number of steps; None for all.
        """
        position, steps, batches = self.position, self._steps, self._batches
        self._network.train()
        first, passes, started = position.step, steps.passes, time.perf_counter()
        self._finite.begin(first)
        for batch in islice(batches.epoch(position.epoch, done=first), most):
            where = (position.epoch, position.step, self._group.rank)
            torch.manual_seed(derive_seed(self._seed, "network", *where))  # for dropout and stochastic depth
            position.rate = steps.rate
            loss = steps.take(batch)
            self._finite.add(loss, steps.gradient_norm)
            position.loss += loss
            if position.epoch == 1 and position.step < FIRST_STEPS and self._group.is_main:
                self.result.first_losses.append(float(loss))  # waits for the GPU, so for a few steps only
            position.step += 1
            after_step()
            size = self._settings.batch_size
            self.on_batch(position.epoch, "train", position.step * size, batches.steps * size)
        self.check_steps()  # waits for the GPU
        taken = position.step - first
        if not taken:
            return None
        return Throughput.of_steps(
            clips=taken * self._settings.batch_size,
            steps=taken,
            operations=(steps.passes - passes) * self._cost.flops,
            seconds=time.perf_counter() - started,
            peak=None if self._peak is None else self._peak * self._group.size,
        )

    def check_steps(self) -> None:
        """Check that loss and gradient of all steps so far are finite.

        Raises:
            DivergenceError: Those of a step are not.
        """
        if (fault := self._finite.first_fault()) is not None:
            step, found = fault
            batch = self._batches.positions(self.position.epoch)[step]
            raise step_error(found, self.position.epoch, step + 1, batch, self._data)

    def evaluate_epoch(self) -> dict[str, float]:
        """Evaluate the network in the main process, update the best one, and start the next epoch."""
        row, best = self._group.compute_on_main(self._evaluate_and_update)
        self.result.best.update(best)
        self.result.history.append(row)
        self.position.next_epoch()
        return row

    def _evaluate_and_update(self) -> tuple[dict[str, float], dict[Selection, dict[str, float]]]:
        position, data = self.position, self._data
        row = {"epoch": position.epoch, "lr": position.rate, "train_loss": float(position.loss) / self._batches.steps}
        for selection in data.selections:
            report = partial(self.on_batch, position.epoch, selection)
            row |= evaluate(selection, self._averaged, data, compute=self._compute, on_batch=report)
        if (error := figures_error(row, position.epoch, data)) is not None:
            raise error
        for selection in data.selections:
            update_best(self.result, selection, row, self._averaged)
        return row, self.result.best


def _nothing(*_: object) -> None:
    """Do nothing."""
