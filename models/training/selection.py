"""How epochs are judged, and which of them are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from models.metrics import scores
from models.networks.base import Network
from models.training.features import Features
from models.training.inference import predict
from models.training.settings import ComputeSettings, Selection, TrainingSettings

PAPER_SE = 5.0  # only above this sensitivity do the publications keep an epoch


@dataclass(frozen=True)
class Part:
    """Some cycles: their rows in the feature cache, class indices, and soft labels if any.

    Soft labels are ``(cycles, candidates, classes)``: of several candidates one is drawn whenever a cycle is used.
    """

    rows: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    soft: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True)
class TrainingData:
    """What a training learns from, and what each selection judges its epochs on (`val`; the test set for `paper`)."""

    features: Features
    train: Part
    judges: Mapping[Selection, Part]
    classes: int

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """The rows of all cycles."""
        return np.concatenate([part.rows for part in (self.train, *self.judges.values())])


@dataclass(frozen=True)
class Fitted:
    """What came of a training.

    Attributes:
        states: For each selection the network's tensors at its best epoch.
        chosen: For each selection the epoch and its scores.
        history: A row of figures an epoch.
    """

    states: dict[Selection, dict[str, Tensor]]
    chosen: dict[Selection, dict[str, float]]
    history: list[dict[str, float]]


def check(settings: TrainingSettings, data: TrainingData) -> None:
    """Refuse cycles that cannot train or judge.

    Raises:
        ValueError: Fewer training cycles than a batch holds, or a selection without normal or without abnormal cycles,
            which has no Score.
    """
    if len(data.train.rows) < settings.batch_size:
        raise ValueError(f"{len(data.train.rows)} training cycles do not fill one batch of {settings.batch_size}.")
    for selection, part in data.judges.items():
        for kind, there in (("normal", (part.labels == 0).any()), ("abnormal", (part.labels > 0).any())):
            if not there:
                raise ValueError(f"The selection {selection} has no {kind} cycles, so no Score can choose an epoch.")


def judge(
    selection: Selection,
    network: Network,
    data: TrainingData,
    *,
    compute: ComputeSettings,
    on_batch: Callable[[int, int], None],
) -> dict[str, float]:
    """Return the loss and the Scores of a selection's cycles, under the names of history.csv."""
    part, done = data.judges[selection], 0

    def count(cycles: int) -> None:
        nonlocal done
        done += cycles
        on_batch(done, len(part.rows))

    logits = predict(network, data.features, part.rows, compute=compute, on_batch=count)
    figures = scores(part.labels, logits.argmax(1), data.classes)
    loss = float(cross_entropy(torch.from_numpy(logits), torch.from_numpy(part.labels)))
    return {f"{selection}_loss": loss} | {f"{selection}_{name}": value for name, value in figures.items()}


def keep(fitted: Fitted, selection: Selection, row: Mapping[str, float], network: Network) -> None:
    """Keep the network where its strict Score is the best so far; of equal ones the earliest stays."""
    prefix = f"{selection}_"
    figures = {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}
    if selection in fitted.chosen and _rank(selection, figures) <= _rank(selection, fitted.chosen[selection]):
        return
    state = network.state_dict()
    fitted.states[selection] = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
    fitted.chosen[selection] = {"epoch": row["epoch"]} | figures


def _rank(selection: Selection, figures: Mapping[str, float]) -> tuple[bool, float]:
    """Return the strict Score, behind whether the publications would keep such an epoch at all."""
    return selection != "paper" or figures["se_strict"] > PAPER_SE, figures["score_strict"]


def is_over(fitted: Fitted, patience: int) -> bool:
    """Return whether the validation Score has not improved for ``patience`` epochs; with 0 it never is."""
    if not patience or "val" not in fitted.chosen:
        return False
    return len(fitted.history) - fitted.chosen["val"]["epoch"] >= patience
