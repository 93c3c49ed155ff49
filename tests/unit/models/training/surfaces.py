"""Loss surfaces of two weights, and steps of an optimiser on them."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tests.unit.models.training.toys import take_step

CURVATURE = torch.tensor([1.0, 10.0])
START = torch.tensor([1.0, -2.0])


def quadratic(w: Tensor) -> Tensor:
    return (CURVATURE * w**2).sum() / 2


def valley(w: Tensor) -> Tensor:
    """Return a loss that is zero for x = 0 and every y, with the curvature 0.1 + y² along x."""
    x, y = w
    return x**2 * (0.1 + y**2) / 2


def minimise(surface: Callable[[Tensor], Tensor], point: nn.Parameter, built: Optimizer, steps: int = 1) -> list[float]:
    """Take steps, and return the loss at every computed gradient."""
    losses: list[Tensor] = []

    def loss() -> Tensor:
        losses.append(surface(point))
        return losses[-1]

    for _ in range(steps):
        take_step(built, loss)
    return [loss.item() for loss in losses]
