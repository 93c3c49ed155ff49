"""The training loop, for teachers and student alike. It knows no method by name."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.metrics import Scores, scores
from models.networks.base import Network
from models.training import checkpoint as checkpoints
from models.training.features import Features
from models.training.inference import autocast, pick_device, predict
from models.training.objectives import Objective, Targets
from models.training.optimizers import create as create_optimizer
from models.training.optimizers import schedule
from models.training.samplers import Sampler
from models.training.settings import ComputeSettings, Selection, TrainingSettings
from models.training.specaugment import SpecAugment

log = logging.getLogger(__name__)
State = dict[str, Tensor]
PAPER_SE = 5.0  # below this sensitivity the publications keep no epoch


@dataclass(frozen=True)
class Part:
    """Some cycles: their rows in the feature cache, class indices, and soft labels ``(cycles, classes)`` if any."""

    rows: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    soft: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True)
class TrainingData:
    """What `fit` learns from, and what each selection judges its epochs on (`val`, and the test set for `paper`)."""

    features: Features
    train: Part
    judges: Mapping[Selection, Part]
    classes: int


@dataclass(frozen=True)
class Fitted:
    """What came of a training.

    Attributes:
        states: For each selection the network's tensors at its best epoch.
        chosen: For each selection the epoch and its scores.
        history: A row of figures an epoch.
    """

    states: dict[Selection, State]
    chosen: dict[Selection, dict[str, float]]
    history: list[dict[str, float]]


@dataclass(frozen=True)
class Epoch:
    """What is reported while training; clips a second are measured, and therefore in no out."""

    row: Mapping[str, float]
    clips_per_s: float


def fit(
    network: Network,
    objective: Objective,
    settings: TrainingSettings,
    data: TrainingData,
    *,
    seed: int,
    compute: ComputeSettings,
    checkpoint: Path,
    on_step: Callable[[int, int, int], None] = lambda epoch, step, steps: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Fitted:
    """Train a network and return it at the best epoch of each selection, judged by the strict Score.

    Equal arguments give equal bytes on a CPU, also when the training is interrupted at any moment and called again:
    after every epoch all that it needs to go on is written to ``checkpoint``.

    Args:
        network: Trained in place.
        objective: Gives the loss.
        settings: How to train.
        data: Cycles to train on and to judge by.
        seed: Of sampling, augmentation and dropout.
        compute: Device, precision.
        checkpoint: A folder that belongs to these inputs alone.
        on_step: Called with the epoch (from 1), the step (from 1) and the steps of an epoch.
        on_epoch: Called after each epoch.

    Raises:
        ValueError: Fewer training cycles than a batch holds.
    """
    steps = len(data.train.rows) // settings.batch_size
    if steps == 0:
        raise ValueError(f"{len(data.train.rows)} training cycles do not fill one batch of {settings.batch_size}.")
    device = pick_device(compute)
    context = autocast(compute, device)
    network.to(device)
    if network.channels_last:
        network.to(memory_format=torch.channels_last)
    objective.to(device)
    optimizer = create_optimizer(settings.optimizer, network, objective)
    rates = schedule(settings.schedule, optimizer, steps)
    average = _average(network, settings.ema_decay)
    judged = network if average is None else cast("Network", average.module)
    sampler, augment = Sampler(settings.sampler, data.train.labels), SpecAugment(settings.specaugment)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    fitted = Fitted(states={}, chosen={}, history=[])
    parts = {"network": network, "objective": objective, "optimizer": optimizer, "schedule": rates, "average": average}
    _resume(checkpoint, parts, generator, fitted)

    for epoch in range(len(fitted.history) + 1, settings.schedule.epochs + 1):
        if _is_over(fitted, settings.patience):
            break
        started = time.perf_counter()
        order = sampler.draw(generator)[: steps * settings.batch_size].reshape(steps, settings.batch_size)
        network.train()
        total = torch.zeros((), device=device)
        rate = rates.get_last_lr()[0]
        for step, positions in enumerate(order, start=1):
            features = augment(data.features.batch(data.train.rows[positions], device), generator)
            targets = _targets(data.train, positions, device)

            def closure(features: Tensor = features, targets: Targets = targets) -> Tensor:
                optimizer.zero_grad(set_to_none=True)
                with context():
                    loss: Tensor = objective(network, features, targets)
                loss.backward()  # type: ignore[no-untyped-call]
                return loss.detach()

            # torch's stubs ask for a closure that returns a float; a tensor spares a synchronisation a step.
            total += cast("Tensor", optimizer.step(cast("Any", closure)))
            rates.step()
            if average is not None:
                average.update_parameters(network)
            on_step(epoch, step, steps)
        row: dict[str, float] = {"epoch": epoch, "lr": float(rate), "train_loss": float(total) / steps}
        seconds = time.perf_counter() - started
        for selection, part in data.judges.items():
            logits = predict(judged, data.features, part.rows, compute=compute)
            row |= _judge(selection, logits, part, data.classes)
            _keep(fitted, selection, row, judged)
        fitted.history.append(row)
        on_epoch(Epoch(row=row, clips_per_s=order.size / seconds))
        _save(checkpoint, parts, generator, fitted)
    return fitted


def _targets(part: Part, positions: npt.NDArray[np.int64], device: torch.device) -> Targets:
    soft = None if part.soft is None else torch.from_numpy(part.soft[positions]).to(device)
    return Targets(labels=torch.from_numpy(part.labels[positions]).to(device), soft=soft)


def _average(network: Network, decay: float) -> AveragedModel | None:
    """Return the exponential moving average of a network and its buffers, or none where the decay is zero."""
    if decay == 0:
        return None
    average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(network, multi_avg_fn=average, use_buffers=True)


def _judge(selection: str, logits: npt.NDArray[np.float32], part: Part, classes: int) -> dict[str, float]:
    """Return the loss and the Scores of a selection's cycles, under the names of history.csv."""
    result: Scores = scores(part.labels, logits.argmax(1), classes)
    loss = float(cross_entropy(torch.from_numpy(logits), torch.from_numpy(part.labels)))
    figures = asdict(result) | {"score_strict": result.score_strict, "score_lenient": result.score_lenient}
    return {f"{selection}_loss": loss} | {f"{selection}_{name}": value for name, value in figures.items()}


def _keep(fitted: Fitted, selection: Selection, row: Mapping[str, float], network: Network) -> None:
    """Keep the network where its strict Score is the best so far; of equal ones the earliest stays."""
    prefix = f"{selection}_"
    figures = {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}
    if selection in fitted.chosen and _rank(selection, figures) <= _rank(selection, fitted.chosen[selection]):
        return
    state = network.state_dict()
    fitted.states[selection] = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
    fitted.chosen[selection] = {"epoch": row["epoch"]} | figures


def _rank(selection: Selection, figures: Mapping[str, float]) -> float:
    """Return the strict Score, or less than any where there is none or the publications would keep no such epoch."""
    blind = selection == "paper" and figures["se_strict"] <= PAPER_SE
    return float("-inf") if blind or math.isnan(figures["score_strict"]) else figures["score_strict"]


def _is_over(fitted: Fitted, patience: int) -> bool:
    """Return whether the validation Score has not improved for ``patience`` epochs; with 0 it never is."""
    if not patience or "val" not in fitted.chosen:
        return False
    return len(fitted.history) - fitted.chosen["val"]["epoch"] >= patience


def _save(folder: Path, parts: Mapping[str, Any], generator: torch.Generator, fitted: Fitted) -> None:
    state: dict[str, Any] = {name: part.state_dict() for name, part in parts.items() if part is not None}
    state["random"] = {"torch": torch.get_rng_state(), "generator": generator.get_state()}
    if torch.cuda.is_available():
        state["random"]["cuda"] = torch.cuda.get_rng_state_all()
    state["fitted"] = {"states": fitted.states, "chosen": fitted.chosen, "history": fitted.history}
    checkpoints.write(folder, state)


def _resume(folder: Path, parts: Mapping[str, Any], generator: torch.Generator, fitted: Fitted) -> None:
    state = checkpoints.read(folder)
    if state is None:
        return
    for name, part in parts.items():
        if part is not None:
            part.load_state_dict(state[name])
    torch.set_rng_state(state["random"]["torch"])
    generator.set_state(state["random"]["generator"])
    if "cuda" in state["random"]:
        torch.cuda.set_rng_state_all(state["random"]["cuda"])
    fitted.states.update(state["fitted"]["states"])
    fitted.chosen.update(state["fitted"]["chosen"])
    fitted.history.extend(state["fitted"]["history"])
    log.info("Resumed after epoch %d.", len(fitted.history))
