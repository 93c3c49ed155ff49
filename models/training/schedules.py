"""Learning-rate schedules: warm-up, then cosine, step or constant."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from models.training.base_optimizer import ClosureOptimizer
from models.training.settings import ScheduleSettings


def schedule(settings: ScheduleSettings, optimizer: Optimizer, steps_per_epoch: int) -> LambdaLR:
    """Return the learning-rate schedule of an optimiser; its `step` is called after each step of the optimiser."""
    target = optimizer.base if isinstance(optimizer, ClosureOptimizer) else optimizer
    return LambdaLR(target, lambda step: lr_factor(settings, step, steps_per_epoch))


def lr_factor(settings: ScheduleSettings, step: int, steps_per_epoch: int) -> float:
    """Return the learning rate of a step, counted from 0, as a fraction of the highest rate.

    A linear warm-up of W epochs rises from ``warmup_from`` (0.1 in the code of work (a)) in equal amounts to 1, reached
    in its last step (epoch). The ``reference`` warm-up is that of work (a)'s code. It rises in every step from
    ``warmup_from`` towards the value of a cosine over all E epochs at epoch W. It then continues with that cosine.

    ``cosine`` falls from 1 to the fraction f over the remaining epochs: f + (1 − f) (1 + cos π x) / 2. Per step, x is
    the fraction of finished steps, so that f is reached after the last step. Per epoch, as in the code of work (a),
    x = (e − W) / (E − W) in epoch e = 1 … E. The first epoch is then slightly below the highest rate (0.999 of it for
    E = 50 and no warm-up), and the last one has f.

    ``step`` multiplies the rate by ``decay`` after each milestone m, in the epochs e > m.

    Args:
        settings: Settings of the schedule.
        step: Number of the step, from 0.
        steps_per_epoch: Number of steps in an epoch.
    """
    per_epoch = settings.per == "epoch"
    unit = 1 if per_epoch else steps_per_epoch
    done = step // steps_per_epoch if per_epoch else step
    total, warmup = settings.epochs * unit, settings.warmup_epochs
    warmup = warmup if per_epoch else round(warmup * steps_per_epoch)
    if settings.warmup == "reference":
        length = settings.warmup_epochs * steps_per_epoch
        if step < length:
            return settings.warmup_from + (_cosine(settings, settings.warmup_epochs, total) - settings.warmup_from) * (
                step / length
            )
        return _cosine(settings, min(done + 1, total), total)
    if done + 1 <= warmup:
        return settings.warmup_from + (1 - settings.warmup_from) * (done + 1) / warmup
    if settings.name == "constant":
        return 1.0
    if settings.name == "step":
        return settings.decay ** sum(step // steps_per_epoch >= milestone for milestone in settings.milestones)
    position = min(done + 1, total) if per_epoch else done
    return _cosine(settings, position - warmup, (total - warmup) or 1)


def _cosine(settings: ScheduleSettings, position: float, length: float) -> float:
    """Return the cosine from 1 to `final_lr_fraction` at a position of its length."""
    cosine = (1 + math.cos(math.pi * position / length)) / 2
    return settings.final_lr_fraction + (1 - settings.final_lr_fraction) * cosine
