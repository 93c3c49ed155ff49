"""Selection of the best epoch by the Scores on validation or test cycles."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

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

PAPER_SE = 5.0  # percent; the publications select only epochs of a higher sensitivity


@dataclass(frozen=True)
class LabelledCycles:
    """Cycles with their labels."""

    rows: npt.NDArray[np.int64]  # rows of the cycles in the feature cache
    labels: npt.NDArray[np.int64]
    # soft labels `(cycles, candidates, classes)`, if any; one candidate is drawn each time a cycle is used
    soft: npt.NDArray[np.float32] | None = None
    domains: npt.NDArray[np.int64] | None = None  # index of the device or corpus of each cycle, for a balanced sampler


@dataclass(frozen=True)
class TrainingData:
    """Data of a training."""

    features: Features
    train: LabelledCycles
    # cycles by which each selection chooses the epoch: validation for `val`, test for `paper`
    selections: Mapping[Selection, LabelledCycles]
    classes: int
    heads: Sequence[int] = ()  # number of classes of each corpus's head; empty with one head

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """The rows of all cycles."""
        return np.concatenate([part.rows for part in (self.train, *self.selections.values())])


@dataclass(frozen=True)
class TrainingResult:
    """Result of a training."""

    states: dict[Selection, dict[str, Tensor]]  # tensors of the network at the best epoch of each selection
    best: dict[Selection, dict[str, float]]  # best epoch of each selection with its scores
    history: list[dict[str, float]]  # figures of each epoch
    first_losses: list[float]  # losses of the first steps of the first epoch, in the main process


def check_data(settings: TrainingSettings, data: TrainingData) -> None:
    """Check that the cycles suffice for training and selection.

    Raises:
        ValueError: There are fewer training cycles than a batch holds, or a selection has no Score because it lacks
            normal or abnormal cycles.
    """
    if len(data.train.rows) < settings.batch_size:
        raise ValueError(f"{len(data.train.rows)} training cycles do not fill one batch of {settings.batch_size}.")
    for selection, part in data.selections.items():
        for rows, columns in by_head(part.labels, data.heads or [data.classes]):
            labels = part.labels[rows] - columns.start
            for kind, exist in (("normal", (labels == 0).any()), ("abnormal", (labels > 0).any())):
                if not exist:
                    raise ValueError(
                        f"The selection {selection} has no {kind} cycles, so no Score can choose an epoch."
                    )


def evaluate(
    selection: Selection,
    network: Network,
    data: TrainingData,
    *,
    compute: ComputeSettings,
    on_batch: Callable[[int, int], None],
) -> dict[str, float]:
    """Return the loss and the Scores on a selection's cycles, named as in history.csv.

    With a head for each corpus, the Scores are means over the heads, each on the cycles of its corpus.

    Args:
        selection: Selection of the epoch, whose cycles are evaluated.
        network: Network on its device.
        data: Training data with the cycles of the selection.
        compute: Precision of the forward pass.
        on_batch: Callback after each batch, with the numbers of evaluated and of all cycles.
    """
    part, done = data.selections[selection], 0

    def count(cycles: int) -> None:
        nonlocal done
        done += cycles
        on_batch(done, len(part.rows))

    logits = predict(network, data.features, part.rows, compute=compute, on_batch=count)
    total, figures = 0.0, []
    for own, columns in by_head(part.labels, data.heads or [data.classes]):
        labels, given = part.labels[own] - columns.start, logits[own, columns]
        figures.append(scores(labels, given.argmax(1), given.shape[1]))
        total += len(own) * float(cross_entropy(torch.from_numpy(given), torch.from_numpy(labels)))
    means = {f"{selection}_{name}": float(np.mean([one[name] for one in figures])) for name in figures[0]}
    return {f"{selection}_loss": total / len(part.rows)} | means


def by_head(labels: npt.NDArray[np.int64], heads: Sequence[int]) -> Iterator[tuple[npt.NDArray[np.intp], slice]]:
    """Yield for each head the indices of its cycles, and its columns in the output of the network.

    Args:
        labels: Index of the output that each cycle should have, ``(cycles,)``.
        heads: Number of classes of each head.
    """
    for start, end in pairwise(accumulate(heads, initial=0)):
        yield np.flatnonzero((labels >= start) & (labels < end)), slice(start, end)


def update_best(result: TrainingResult, selection: Selection, row: Mapping[str, float], network: Network) -> None:
    """Store the network if its strict Score is the best so far; among equal Scores the first is kept.

    Args:
        result: Result of the training so far, which is updated.
        selection: Selection of the epoch.
        row: Figures of the epoch, named as in history.csv.
        network: Network after the epoch.
    """
    prefix = f"{selection}_"
    figures = {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}
    if selection in result.best and _rank(selection, figures) <= _rank(selection, result.best[selection]):
        return
    state = network.state_dict()
    result.states[selection] = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
    result.best[selection] = {"epoch": row["epoch"]} | figures


def _rank(selection: Selection, figures: Mapping[str, float]) -> tuple[bool, float]:
    """Return the sort key of an epoch: eligibility by the publications' rule, then the strict Score."""
    return selection != "paper" or figures["se_strict"] > PAPER_SE, figures["score_strict"]


def should_stop(result: TrainingResult, patience: int) -> bool:
    """Return whether the validation Score has not improved for ``patience`` epochs; never for 0."""
    if not patience or "val" not in result.best:
        return False
    return len(result.history) - result.best["val"]["epoch"] >= patience
