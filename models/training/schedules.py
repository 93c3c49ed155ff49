"""Learning rates over a training, as factors of the highest one."""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from models.training.base_optimizer import Descent
from models.training.settings import ScheduleSettings


def schedule(settings: ScheduleSettings, optimizer: Optimizer, steps_per_epoch: int) -> LambdaLR:
    """Return the learning rate's schedule, which is to be stepped after every step of the optimiser."""
    target = optimizer.base if isinstance(optimizer, Descent) else optimizer
    return LambdaLR(target, lambda step: lr_factor(settings, step, steps_per_epoch))


def lr_factor(settings: ScheduleSettings, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of a step (from 0) as a fraction of its highest.

    Warm-up of W epochs, in all schedules: equal amounts up to 1, which the last step (epoch) of the warm-up has. They
    start at ``warmup_from`` (a step or epoch before the first one); 0.1 in the code of work (a), where it is asked for.

    With ``reference`` the warm-up of work (a)'s code: it climbs in every step, from ``warmup_from`` towards what a
    cosine over all E epochs has in epoch W, and the rate goes on with that cosine, never having been the highest.

    ``cosine``, from 1 to the fraction f over the remaining epochs: f + (1 − f) (1 + cos π x) / 2. Per step, x is the
    share of steps that are over, so that f would be the rate of the step after the last. Per epoch, as in the code of
    work (a), x = (e − W) / (E − W) in epoch e = 1 … E: the first epoch is a little below the highest rate already (with
    E = 50 and no warm-up 0.999 of it), and the last one has f itself.

    ``step``: times ``decay`` for each of the milestones that is over; epoch e comes after a milestone m if e > m.
    """
    per_epoch = settings.per == "epoch"
    unit = 1 if per_epoch else steps_per_epoch
    over = step // steps_per_epoch if per_epoch else step
    total, warmup = settings.epochs * unit, settings.warmup_epochs
    warmup = warmup if per_epoch else round(warmup * steps_per_epoch)
    if settings.warmup == "reference":
        length = settings.warmup_epochs * steps_per_epoch
        if step < length:
            return settings.warmup_from + (_cosine(settings, settings.warmup_epochs, total) - settings.warmup_from) * (
                step / length
            )
        return _cosine(settings, min(over + 1, total), total)
    if over + 1 <= warmup:
        return settings.warmup_from + (1 - settings.warmup_from) * (over + 1) / warmup
    if settings.name == "constant":
        return 1.0
    if settings.name == "step":
        return settings.decay ** sum(step // steps_per_epoch >= milestone for milestone in settings.milestones)
    position = min(over + 1, total) if per_epoch else over
    return _cosine(settings, position - warmup, (total - warmup) or 1)


def _cosine(settings: ScheduleSettings, position: float, length: float) -> float:
    """Return the factor of a place on the cosine from 1 to `final_lr_fraction`."""
    cosine = (1 + math.cos(math.pi * position / length)) / 2
    return settings.final_lr_fraction + (1 - settings.final_lr_fraction) * cosine
