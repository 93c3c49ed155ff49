"""Sharpness-aware minimisation (Foret et al., ICLR 2021) and ASAM (Kwon et al., ICML 2021) through torch's closures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


class SAM(Optimizer):
    """Step with the gradient at the point of the neighbourhood where the loss is highest.

    One step takes two calls of the closure: at w, and at w + ε with ε = ρ g / ‖g‖₂ (Foret et al., eq. 2). Adaptive:
    ε = ρ T² g / ‖T g‖₂ with T = |w| (Kwon et al., eq. 11, η = 0). The weights are then restored exactly, from a copy,
    and the base optimiser steps with the second gradient. Random parts of the network, such as dropout, are drawn anew
    for the second call.

    Args:
        base: The optimiser that steps; its parameter groups are this one's, so that a schedule on either sets both.
        rho: Radius of the neighbourhood.
        adaptive: Whether the neighbourhood scales with the weights (ASAM).
        clip_norm: Largest norm of the second gradient, or none.
        second_pass: A context for the second call, such as `frozen_statistics`.
    """

    def __init__(
        self,
        base: Optimizer,
        *,
        rho: float,
        adaptive: bool,
        clip_norm: float | None = None,
        second_pass: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        if rho < 0:
            raise ValueError(f"The radius rho of SAM is {rho}; it cannot be negative.")
        self.base, self.rho, self.adaptive, self.clip_norm = base, rho, adaptive, clip_norm
        self._second_pass = second_pass
        super().__init__(base.param_groups, {})
        self.param_groups = base.param_groups

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        """Take one step; the closure clears the gradients, computes the loss and its gradients, and returns the loss.

        Returns:
            The loss at w.
        """
        with torch.enable_grad():
            loss = closure()
        parameters = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        kept = [p.detach().clone() for p in parameters]
        self._climb(parameters)
        try:
            with torch.enable_grad(), self._second_pass():
                closure()
        finally:
            for parameter, weights in zip(parameters, kept, strict=True):
                parameter.copy_(weights)
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(parameters, self.clip_norm)
        self.base.step()
        return loss

    def _climb(self, parameters: list[nn.Parameter]) -> None:
        """Move the weights by ε."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        scaled = [p.abs() * g for p, g in zip(parameters, gradients, strict=True)] if self.adaptive else gradients
        norm = torch.nn.utils.get_total_norm(scaled)
        factor = self.rho / (norm + 1e-12)
        for parameter, gradient in zip(parameters, scaled, strict=True):
            parameter.add_(parameter.abs() * gradient * factor if self.adaptive else gradient * factor)

    def state_dict(self) -> dict[str, Any]:
        """Return the base optimiser's state: SAM keeps none between steps."""
        return self.base.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the base optimiser's state."""
        self.base.load_state_dict(state_dict)
        self.param_groups = self.base.param_groups


@contextmanager
def frozen_statistics(*modules: nn.Module) -> Iterator[None]:
    """Leave BatchNorm's running statistics as they are within the block; batches are still normalised by their own."""
    every = (layer for module in modules for layer in module.modules())
    layers = [layer for layer in every if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    tracked = [layer.track_running_stats for layer in layers]
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer, was in zip(layers, tracked, strict=True):
            layer.track_running_stats = was
