"""Detection of a diverged training: losses, gradients and figures that are not finite."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.training.selection import LabelledCycles, TrainingData

SHOWN = 3  # ids of cycles in a message


class DivergenceError(FloatingPointError):
    """A loss, a gradient or a figure of an epoch is infinite or not a number.

    Attributes:
        epoch: Number of the epoch, from 1. The checkpoint after the epoch before it is intact.
        inputs: Inputs of the training that are not finite themselves; None if all are finite.
    """

    def __init__(self, what: str, *, epoch: int, inputs: Literal["features", "soft labels"] | None = None) -> None:
        super().__init__(what)
        self.epoch, self.inputs = epoch, inputs


class FiniteSteps:
    """Losses and gradient norms of the steps of an epoch, which are checked without a wait in each step."""

    def __init__(self) -> None:
        self._first, self._values = 0, list[Tensor]()

    def begin(self, step: int) -> None:
        """Begin an epoch, or the rest of an epoch, at a step."""
        self._first, self._values = step, []

    def add(self, loss: Tensor, norm: Tensor) -> None:
        """Add loss and gradient norm of the next step, both scalars."""
        self._values.append(torch.stack([loss.detach().float(), norm.detach().float()]))

    def first_fault(self) -> tuple[int, str] | None:
        """Return index and description of the first step that is not finite; this waits for a GPU.

        Steps that are finite are not checked again.
        """
        if not self._values:
            return None
        values = torch.stack(self._values).tolist()
        for number, (loss, norm) in enumerate(values, start=self._first):
            if not math.isfinite(loss):
                return number, f"the loss is {loss}"
            if not math.isfinite(norm):
                return number, f"the norm of the gradient is {norm}, with a loss of {loss:.4g}"
        self.begin(self._first + len(values))
        return None


def step_error(found: str, epoch: int, step: int, batch: npt.NDArray[np.int64], data: TrainingData) -> DivergenceError:
    """Return the error of a step.

    Args:
        found: Description of the fault.
        epoch: Number of the epoch, from 1.
        step: Number of the step, from 1.
        batch: Positions of the batch among the training cycles.
        data: Data of the training.
    """
    part = data.train
    soft = None if part.soft is None else part.soft[batch]
    cycles = LabelledCycles(rows=part.rows[batch], labels=part.labels[batch], soft=soft)
    what = (
        f"The training diverged in epoch {epoch}, step {step}: {found}, for the batch of {_names(data, cycles.rows)}."
    )
    return _error(what, epoch, data, [cycles])


def figures_error(row: Mapping[str, float], epoch: int, data: TrainingData) -> DivergenceError | None:
    """Return the error of an epoch's figures, or None if all are finite."""
    faults = [f"{name} is {value}" for name, value in row.items() if not math.isfinite(value)]
    if not faults:
        return None
    what = f"The training diverged in epoch {epoch}: {', '.join(faults)}."
    return _error(what, epoch, data, data.selections.values())


def _error(what: str, epoch: int, data: TrainingData, parts: Iterable[LabelledCycles]) -> DivergenceError:
    """Return the error, which names inputs that are not finite themselves."""
    for part in parts:
        if len(wrong := part.rows[~data.features.are_finite(part.rows)]):
            what = f"{what} The features of {_names(data, wrong)} are not finite."
            return DivergenceError(what, epoch=epoch, inputs="features")
        if part.soft is not None and len(wrong := part.rows[~np.isfinite(part.soft).all(axis=(1, 2))]):
            what = f"{what} The soft labels of {_names(data, wrong)} are not finite."
            return DivergenceError(what, epoch=epoch, inputs="soft labels")
    return DivergenceError(what, epoch=epoch)


def _names(data: TrainingData, rows: npt.NDArray[np.int64]) -> str:
    """Return the number and some ids of cycles."""
    ids = {row: cycle for cycle, row in data.features.rows.items()}
    return describe_cycles([ids[row] for row in rows.tolist()])


def describe_cycles(cycles: Sequence[str]) -> str:
    """Return number and first ids of cycles: ``8 cycles (a, b, c and 5 more)``."""
    distinct = list(dict.fromkeys(cycles))
    more = f" and {len(distinct) - SHOWN} more" if len(distinct) > SHOWN else ""
    return f"{len(distinct)} cycle{'s' * (len(distinct) != 1)} ({', '.join(distinct[:SHOWN])}{more})"
