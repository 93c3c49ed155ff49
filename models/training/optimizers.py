"""Optimisers by name: anything with ``step(closure)``."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from models.training.sam import SAM, frozen_statistics
from models.training.settings import OptimizerSettings, ScheduleSettings


class ClippedAdamW(AdamW):
    """AdamW that clips the norm of the gradient before it steps."""

    def __init__(self, params: Any, *, clip_norm: float, **kwargs: Any) -> None:
        super().__init__(params, **kwargs)
        self.clip_norm = clip_norm

    def step(self, closure: Any = None) -> Tensor | None:  # type: ignore[override]
        """Take one step and return the closure's loss."""
        loss: Tensor | None = closure() if closure is not None else None
        nn.utils.clip_grad_norm_((p for group in self.param_groups for p in group["params"]), self.clip_norm)
        super().step()
        return loss


def create(settings: OptimizerSettings, network: nn.Module, objective: nn.Module) -> Optimizer:
    """Return the optimiser of a network's and an objective's parameters."""
    parameters = [p for module in (network, objective) for p in module.parameters() if p.requires_grad]
    kwargs: dict[str, Any] = {"lr": settings.lr, "weight_decay": settings.weight_decay}
    if settings.name == "sam":
        return SAM(
            AdamW(parameters, **kwargs),
            rho=settings.rho,
            adaptive=settings.adaptive,
            clip_norm=settings.clip_norm,
            second_pass=partial(frozen_statistics, network, objective),
        )
    if settings.clip_norm is not None:
        return ClippedAdamW(parameters, clip_norm=settings.clip_norm, **kwargs)
    return AdamW(parameters, **kwargs)


def schedule(settings: ScheduleSettings, optimizer: Optimizer, steps_per_epoch: int) -> LambdaLR:
    """Return the learning rate's schedule per step: a linear warm-up, then a cosine to ``final_lr_fraction``."""
    target = optimizer.base if isinstance(optimizer, SAM) else optimizer
    return LambdaLR(target, lambda step: lr_factor(settings, step, steps_per_epoch))


def lr_factor(settings: ScheduleSettings, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of a step (from 0) as a fraction of its highest.

    The warm-up climbs by equal amounts and its last step has the highest rate; the step after the last one would have
    ``final_lr_fraction``.
    """
    warmup, total = round(settings.warmup_epochs * steps_per_epoch), settings.epochs * steps_per_epoch
    if step < warmup:
        return (step + 1) / warmup
    cosine = (1 + math.cos(math.pi * (step - warmup) / max(total - warmup, 1))) / 2
    return settings.final_lr_fraction + (1 - settings.final_lr_fraction) * cosine
