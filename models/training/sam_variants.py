"""Cheaper kin of SAM: LookSAM, a second gradient every few steps, and Momentum-SAM, never a second one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from models.training.base_optimizer import Closure, Descent
from models.training.sam import SAM, TINY, ascent, gradients, moved

ALPHA = 0.7  # LookSAM's weight of the direction that is used again, as the paper has it


class LookSAM(SAM):
    """SAM whose turn towards flat regions is used again (Liu et al., CVPR 2022, algorithm 1).

    Every k-th step is one of SAM. It splits SAM's gradient g_s into its part along the gradient g at w and the rest,
    g_v = g_s − (g_s · g / ‖g‖²) g, which changes slowly. The steps between need one gradient and go along
    g + α (‖g‖ / ‖g_v‖) g_v. Norms and products are those of all weights together.

    Args:
        base: The optimiser that steps.
        rho: Radius of the neighbourhood.
        adaptive: Whether the neighbourhood scales with the weights (ASAM).
        interval: k.
        alpha: α.
        clip_norm: Largest norm of the gradient that steps, or none.
        second_pass: A context for the second call of the closure.
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
        self._turn: dict[nn.Parameter, Tensor] = {}  # g_v / ‖g_v‖

    @torch.no_grad()
    def step(self, closure: Closure) -> Tensor:  # type: ignore[override]
        """Take one step, with two calls of the closure at the first and every k-th, and one at the others.

        Returns:
            The loss at w.
        """
        with torch.enable_grad():
            loss = closure()
        if self.steps % self.interval == 0:
            self._renew(closure)
        else:
            self._reuse()
        self.steps += 1
        self.descend()
        return loss

    def _renew(self, closure: Closure) -> None:
        """Replace the gradients by SAM's, and keep the direction of what these have beside the former ones."""
        parameters = self.with_gradients()
        before = [gradient.clone() for gradient in gradients(parameters)]
        self.look_around(closure)
        after = gradients(parameters)
        share = _dot(after, before) / _dot(before, before).clamp_min(torch.finfo(torch.float32).tiny)
        turn = torch._foreach_sub(after, torch._foreach_mul(before, share))
        turn = torch._foreach_div(turn, nn.utils.get_total_norm(turn) + TINY)
        self._turn = dict(zip(parameters, turn, strict=True))

    def _reuse(self) -> None:
        """Turn the gradients by the direction that is kept."""
        parameters = [p for p in self.with_gradients() if p in self._turn]
        present = gradients(parameters)
        turn = [self._turn[parameter] for parameter in parameters]
        torch._foreach_add_(present, torch._foreach_mul(turn, self.alpha * nn.utils.get_total_norm(present)))

    def state_dict(self) -> dict[str, Any]:
        """Return the base optimiser's state, the number of steps, and the direction by the parameters' places."""
        places = [p for group in self.param_groups for p in group["params"]]
        turn = {place: self._turn[p] for place, p in enumerate(places) if p in self._turn}
        return {"base": super().state_dict(), "steps": self.steps, "turn": turn}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        super().load_state_dict(state_dict["base"])
        self.steps = state_dict["steps"]
        places = [p for group in self.param_groups for p in group["params"]]
        self._turn = {places[place]: turn.to(places[place].device) for place, turn in state_dict["turn"].items()}


class MomentumSAM(Descent):
    """AdamW with the gradient at w − ρ m / ‖m‖₂, m its mean of past gradients (Becker et al., 2024, section 2.4).

    The step before went along −m and too far; on the next batch the loss therefore rises in that direction. One call
    of the closure a step: the loss, and BatchNorm's statistics, are those of the shifted weights. The first step, for
    want of m, is AdamW's.

    Args:
        base: Adam or AdamW, whose ``exp_avg`` is m.
        rho: How far; the paper finds about ten times the radius of SAM best.
        adaptive: Whether the shift scales with the weights, as in ASAM.
        clip_norm: Largest norm of the gradient, or none.
    """

    def __init__(self, base: Optimizer, *, rho: float, adaptive: bool, clip_norm: float | None = None) -> None:
        super().__init__(base, clip_norm=clip_norm)
        self.rho, self.adaptive = rho, adaptive

    @torch.no_grad()
    def step(self, closure: Closure) -> Tensor:  # type: ignore[override]
        """Take one step with one call of the closure.

        Returns:
            The loss at the shifted weights.
        """
        state = self.base.state
        parameters = [p for group in self.param_groups for p in group["params"] if "exp_avg" in state.get(p, {})]
        shifted: AbstractContextManager[None] = nullcontext()
        if parameters:
            momentum = [state[parameter]["exp_avg"] for parameter in parameters]
            shifted = moved(parameters, ascent(parameters, momentum, rho=-self.rho, adaptive=self.adaptive))
        with shifted, torch.enable_grad():
            loss = closure()
        self.descend()
        return loss


def _dot(left: list[Tensor], right: list[Tensor]) -> Tensor:
    """Return the inner product of two lists of tensors."""
    return torch.stack([(a * b).sum() for a, b in zip(left, right, strict=True)]).sum()
