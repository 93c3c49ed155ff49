"""Samplers: order of the training cycles in an epoch."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch


class Sampler:
    """Sampler of the training cycles; an epoch has as many draws as there are cycles.

    Args:
        name: ``weighted``: draws with replacement and probability ∝ 1 / (number of cycles of the class), so that all
            classes are equally frequent; ``shuffle``: each cycle once.
        labels: Class indices of the training cycles.
    """

    def __init__(self, name: Literal["weighted", "shuffle"], labels: npt.NDArray[np.int64]) -> None:
        self._weights: torch.Tensor | None = None
        self._cycles = len(labels)
        if name == "weighted":
            self._weights = torch.from_numpy(1.0 / np.bincount(labels)[labels])

    def draw(self, generator: torch.Generator) -> npt.NDArray[np.int64]:
        """Return the indices of the training cycles of one epoch."""
        if self._weights is None:
            order = torch.randperm(self._cycles, generator=generator)
        else:
            order = torch.multinomial(self._weights, self._cycles, replacement=True, generator=generator)
        drawn: npt.NDArray[np.int64] = order.numpy()
        return drawn
