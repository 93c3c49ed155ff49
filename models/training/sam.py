"""Sharpness-aware minimisation, SAM (Foret et al., ICLR 2021) and ASAM (Kwon et al., ICML 2021)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from models.training.base_optimizer import Closure, ClosureOptimizer

EPSILON = 1e-12  # added to norms, so that a gradient of zero gives a perturbation of zero


class SAM(ClosureOptimizer):
    """Optimiser that steps with the gradient at the point of highest loss in a neighbourhood.

    One step calls the closure twice: at w, and at w + ε with ε = ρ g / ‖g‖₂ (Foret et al., eq. 2). Adaptive:
    ε = ρ T² g / ‖T g‖₂ with T = |w| (Kwon et al., eq. 11, η = 0). The weights are then restored exactly from a copy,
    and the base optimiser steps with the second gradient. Dropout is drawn again for the second call.

    Args:
        base: Optimiser of torch that takes the step; both share their parameter groups.
        rho: Radius ρ of the neighbourhood.
        adaptive: Whether the neighbourhood scales with the weights (ASAM).
        clip_norm: Largest norm of the second gradient; none: no clipping.
        second_pass: Context of the second call, such as `frozen_statistics`.
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
        self.rho, self.adaptive = rho, adaptive
        self._second_pass = second_pass
        super().__init__(base, clip_norm=clip_norm)

    @torch.no_grad()
    def step(self, closure: Closure) -> Tensor:  # type: ignore[override]
        """Take one step (see `ClosureOptimizer.step`).

        Returns:
            Loss at w.
        """
        with torch.enable_grad():
            loss = closure()
        self.perturbed_gradient(closure)
        self.clip_and_step()
        return loss

    def perturbed_gradient(self, closure: Closure) -> None:
        """Replace the gradients at w by those at w + ε; the weights stay the same."""
        parameters = self.parameters_with_gradient()
        shifts = perturbation(parameters, gradients(parameters), rho=self.rho, adaptive=self.adaptive)
        with perturbed(parameters, shifts), torch.enable_grad(), self._second_pass():
            closure()


def gradients(parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    """Return the gradients of the parameters that have one."""
    return [p.grad for p in parameters if p.grad is not None]


def perturbation(
    parameters: Sequence[nn.Parameter], directions: Sequence[Tensor], *, rho: float, adaptive: bool
) -> list[Tensor]:
    """Return the perturbation ε = ρ d / ‖d‖₂ of directions d; adaptive: ρ T² d / ‖T d‖₂ with T = |w|.

    Args:
        parameters: Weights w.
        directions: Directions d, of the shapes of the parameters.
        rho: Radius ρ.
        adaptive: Whether the perturbation is scaled by the weights (ASAM).
    """
    if not adaptive:
        factor = rho / (nn.utils.get_total_norm(directions) + EPSILON)
        return list(torch._foreach_mul(list(directions), factor))
    scales = torch._foreach_abs(list(parameters))
    scaled = torch._foreach_mul(scales, list(directions))
    factor = rho / (nn.utils.get_total_norm(scaled) + EPSILON)
    return list(torch._foreach_mul(torch._foreach_mul(scales, scaled), factor))


@contextmanager
def perturbed(parameters: Sequence[nn.Parameter], shifts: Sequence[Tensor]) -> Iterator[None]:
    """Shift weights within the block and restore them exactly afterwards, also after an error.

    Args:
        parameters: Weights.
        shifts: Numbers that are added, of the shapes of the parameters.
    """
    weights = [parameter.detach() for parameter in parameters]
    kept = [weight.clone() for weight in weights]
    torch._foreach_add_(weights, list(shifts))
    try:
        yield
    finally:
        torch._foreach_copy_(weights, kept)


@contextmanager
def frozen_statistics(*modules: nn.Module) -> Iterator[None]:
    """Keep BatchNorm's running statistics unchanged within the block; batches use their own statistics."""
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
