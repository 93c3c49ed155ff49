"""The step that all optimisers share: a closure gives the gradient, its norm is clipped, and a base optimiser steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

Closure = Callable[[], Tensor]


class Descent(Optimizer):
    """Step with the gradient that a closure leaves, clipped to a norm.

    Args:
        base: The optimiser that steps; its parameter groups are this one's, so that a schedule on either sets both.
        clip_norm: Largest norm of the gradient that steps, or none.
    """

    def __init__(self, base: Optimizer, *, clip_norm: float | None = None) -> None:
        self.base, self.clip_norm = base, clip_norm
        super().__init__(base.param_groups, {})
        self.param_groups = base.param_groups

    @torch.no_grad()
    def step(self, closure: Closure) -> Tensor:  # type: ignore[override]
        """Take one step; the closure clears the gradients, computes the loss and its gradients, and returns the loss.

        Returns:
            The loss of the closure's first call.
        """
        with torch.enable_grad():
            loss = closure()
        self.descend()
        return loss

    def descend(self) -> None:
        """Clip the gradients as they are, and let the base optimiser step."""
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.with_gradients(), self.clip_norm)
        self.base.step()

    def with_gradients(self) -> list[nn.Parameter]:
        """Return the parameters that the last call of the closure gave a gradient."""
        return [p for group in self.param_groups for p in group["params"] if p.grad is not None]

    def state_dict(self) -> dict[str, Any]:
        """Return the base optimiser's state, and with it all that is kept between steps."""
        return self.base.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the base optimiser's state."""
        self.base.load_state_dict(state_dict)
        self.param_groups = self.base.param_groups
