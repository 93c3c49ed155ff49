"""In which order an epoch sees the training cycles."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch


class Sampler:
    """Draws as many cycles an epoch as there are.

    ``weighted``: with replacement, each cycle with probability ∝ 1 / (cycles of its class), so that all classes come
    equally often. ``shuffle``: each cycle once.
    """

    def __init__(self, name: Literal["weighted", "shuffle"], labels: npt.NDArray[np.int64]) -> None:
        self._weights: torch.Tensor | None = None
        self._cycles = len(labels)
        if name == "weighted":
            self._weights = torch.from_numpy(1.0 / np.bincount(labels)[labels])

    def draw(self, generator: torch.Generator) -> npt.NDArray[np.int64]:
        """Return positions of training cycles, one epoch of them."""
        if self._weights is None:
            order = torch.randperm(self._cycles, generator=generator)
        else:
            order = torch.multinomial(self._weights, self._cycles, replacement=True, generator=generator)
        drawn: npt.NDArray[np.int64] = order.numpy()
        return drawn
