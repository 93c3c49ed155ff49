"""Cheaper variants of SAM: LookSAM (a second gradient every k steps) and Momentum-SAM (none)."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from models.training.base_optimizer import Closure, ClosureOptimizer
from models.training.sam import EPSILON, SAM, gradients, perturbation, perturbed

ALPHA = 0.7  # LookSAM's weight α of the reused direction, as in the paper


class LookSAM(SAM):
    """SAM that reuses the direction towards flat regions (Liu et al., CVPR 2022, algorithm 1).

    Every k-th step is a step of SAM. It splits SAM's gradient g_s into the part along the gradient g at w and the rest,
    g_v = g_s − (g_s · g / ‖g‖²) g, which changes slowly. The other steps need one gradient and follow
    g + α (‖g‖ / ‖g_v‖) g_v. Norms and products run over all weights together.
    ``interval`` is k; see `SAM` for the other arguments.
    """

    def __init__(
        self,
        base: Optimizer,
        *,
        rho: float,
        adaptive: bool,
        interval: int,
        alpha: float = ALPHA,
        clip_norm: float | None = None,
        second_pass: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        super().__init__(base, rho=rho, adaptive=adaptive, clip_norm=clip_norm, second_pass=second_pass)
        self.interval, self.alpha, self.steps = interval, alpha, 0
        self._direction: dict[nn.Parameter, Tensor] = {}  # g_v / ‖g_v‖

    @torch.no_grad()
    def step(self, closure: Closure) -> Tensor:  # type: ignore[override]
        """Take one step: two calls of the closure in the first and every k-th step, one in the others.

        Returns:
            Loss at w.
        """
        with torch.enable_grad():
            loss = closure()
        if self.steps % self.interval == 0:
            self._take_sam_gradient(closure)
        else:
            self._add_direction()
        self.steps += 1
        self.clip_and_step()
        return loss

    def _take_sam_gradient(self, closure: Closure) -> None:
        """Replace the gradients by SAM's, and store the direction g_v / ‖g_v‖."""
        parameters = self.parameters_with_gradient()
        before = [gradient.clone() for gradient in gradients(parameters)]
        self.perturbed_gradient(closure)
        after = gradients(parameters)
        projection = _dot(after, before) / _dot(before, before).clamp_min(torch.finfo(torch.float32).tiny)
        direction = torch._foreach_sub(after, torch._foreach_mul(before, projection))
        direction = torch._foreach_div(direction, nn.utils.get_total_norm(direction) + EPSILON)
        self._direction = dict(zip(parameters, direction, strict=True))

    def _add_direction(self) -> None:
        """Add the stored direction to the gradients."""
        parameters = [p for p in self.parameters_with_gradient() if p in self._direction]
        present = gradients(parameters)
        direction = [self._direction[parameter] for parameter in parameters]
        torch._foreach_add_(present, torch._foreach_mul(direction, self.alpha * nn.utils.get_total_norm(present)))

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the base optimiser, the number of steps, and the direction by parameter index."""
        parameters = [p for group in self.param_groups for p in group["params"]]
        direction = {index: self._direction[p] for index, p in enumerate(parameters) if p in self._direction}
        return {"base": super().state_dict(), "steps": self.steps, "direction": direction}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of `state_dict`."""
        super().load_state_dict(state_dict["base"])
        self.steps = state_dict["steps"]
        parameters = [p for group in self.param_groups for p in group["params"]]
        stored: dict[int, Tensor] = state_dict["direction"]
        self._direction = {parameters[i]: part.to(parameters[i].device) for i, part in stored.items()}


class MomentumSAM(ClosureOptimizer):
    """AdamW with the gradient at w − ρ m / ‖m‖₂, m the mean of past gradients (Becker et al., 2024, section 2.4).

    The step before moved along −m and too far, so that the loss of the next batch rises in that direction. Each step
    calls the closure once; the loss and BatchNorm's statistics are those of the shifted weights. The first step, which
    has no m, is AdamW's.

    Args:
        base: Adam or AdamW, whose ``exp_avg`` is m.
        rho: Length ρ of the shift; best about ten times the radius of SAM (paper).
        adaptive: Whether the shift scales with the weights, as in ASAM.
        clip_norm: Largest norm of the gradient; none: no clipping.
    """

    def __init__(self, base: Optimizer, *, rho: float, adaptive: bool, clip_norm: float | None = None) -> None:
        super().__init__(base, clip_norm=clip_norm)
        self.rho, self.adaptive = rho, adaptive

    @torch.no_grad()
    def step(self, closure: Closure) -> Tensor:  # type: ignore[override]
        """Take one step with one call of the closure.

        Returns:
            Loss at the shifted weights.
        """
        state = self.base.state
        parameters = [p for group in self.param_groups for p in group["params"] if "exp_avg" in state.get(p, {})]
        shifted: AbstractContextManager[None] = nullcontext()
        if parameters:
            momentum = [state[parameter]["exp_avg"] for parameter in parameters]
            shifted = perturbed(parameters, perturbation(parameters, momentum, rho=-self.rho, adaptive=self.adaptive))
        with shifted, torch.enable_grad():
            loss = closure()
        self.clip_and_step()
        return loss


def _dot(left: list[Tensor], right: list[Tensor]) -> Tensor:
    """Return the inner product of two lists of tensors."""
    return torch.stack([(a * b).sum() for a, b in zip(left, right, strict=True)]).sum()
