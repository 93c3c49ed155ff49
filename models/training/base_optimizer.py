"""Base class of the optimisers: gradient from a closure, gradient clipping, step of a torch optimiser."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

Closure = Callable[[], Tensor]


class ClosureOptimizer(Optimizer):
    """Optimiser that steps with the gradient of a closure, clipped to a norm.

    Args:
        base: Optimiser of torch that takes the step. Both share their parameter groups, so that a learning-rate
            schedule on either one sets both.
        clip_norm: Largest norm of the gradient; none: no clipping.

    Attributes:
        gradient_norm: Norm of the gradient of the last step, before it was clipped: a scalar on the device.
    """

    gradient_norm: Tensor

    def __init__(self, base: Optimizer, *, clip_norm: float | None = None) -> None:
        self.base, self.clip_norm = base, clip_norm
        super().__init__(base.param_groups, {})
        self.param_groups = base.param_groups

    @torch.no_grad()
    def step(self, closure: Closure) -> Tensor:  # type: ignore[override]
        """Take one step.

        Args:
            closure: Function that clears the gradients, computes the loss and its gradients, and returns the loss.

        Returns:
            Loss of the closure's first call.
        """
        with torch.enable_grad():
            loss = closure()
        self.clip_and_step()
        return loss

    def clip_and_step(self) -> None:
        """Clip the current gradients and take the base optimiser's step."""
        parameters = self.parameters_with_gradient()
        self.gradient_norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        if self.clip_norm is not None:
            nn.utils.clip_grads_with_norm_(parameters, self.clip_norm, self.gradient_norm)
        self.base.step()

    def parameters_with_gradient(self) -> list[nn.Parameter]:
        """Return the parameters that have a gradient from the last call of the closure."""
        return [p for group in self.param_groups for p in group["params"] if p.grad is not None]

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the base optimiser."""
        return self.base.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of the base optimiser."""
        self.base.load_state_dict(state_dict)
        self.param_groups = self.base.param_groups
