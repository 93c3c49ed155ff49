"""Learning rates over a training."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from models.training.base_optimizer import ClosureOptimizer
from models.training.optimizers import create
from models.training.schedules import lr_factor, schedule
from models.training.settings import ScheduleSettings
from tests.unit.models.training.toys import optimizer

SCHEDULE = ScheduleSettings(epochs=5, warmup_epochs=1, final_lr_fraction=0.1)


def factors(steps_per_epoch: int, **changes: object) -> list[float]:
    """Return the factors of all steps."""
    settings = ScheduleSettings(**changes)  # type: ignore[arg-type]
    return [lr_factor(settings, step, steps_per_epoch) for step in range(settings.epochs * steps_per_epoch)]


def test_the_schedule_climbs_evenly_then_follows_a_cosine() -> None:
    found = [lr_factor(SCHEDULE, step, 4) for step in range(21)]
    assert found[:4] == [0.25, 0.5, 0.75, 1.0]
    assert found[4] == 1.0
    assert found[12] == pytest.approx(0.55), "half way between 1 and 0.1"
    assert found[20] == pytest.approx(0.1)
    assert all(later < earlier for earlier, later in pairwise(found[4:]))


def test_the_published_cosine_per_epoch() -> None:
    found = factors(517, epochs=50, final_lr_fraction=0.001, per="epoch")
    assert len(set(found)) == 50, "one rate an epoch"
    published = [0.001 + 0.999 * (1 + math.cos(math.pi * epoch / 50)) / 2 for epoch in range(1, 51)]
    assert found[::517] == pytest.approx(published)
    assert found[0] == pytest.approx(0.999014, abs=1e-6), "the first epoch is below the highest rate"
    assert 5e-5 * found[-1] == pytest.approx(5e-8)


def test_per_epoch_the_warmup_climbs_by_whole_epochs() -> None:
    found = factors(3, epochs=6, warmup_epochs=2, final_lr_fraction=0.0, per="epoch")
    cosine = [(1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in (1, 2, 3, 4)]
    assert found[::3] == pytest.approx([0.5, 1.0, *cosine])
    assert found[::3] == found[1::3] == found[2::3]


def test_milestones_count_the_epochs_before_them() -> None:
    found = factors(2, epochs=6, name="step", milestones=(2, 4), decay=0.1, warmup_epochs=0.5)
    assert found == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01])
    climbing = factors(4, epochs=3, name="step", milestones=(2,), decay=0.5, warmup_epochs=1)
    assert climbing == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5])


def test_steps_without_milestones_are_refused() -> None:
    with pytest.raises(ValueError, match="needs milestones"):
        ScheduleSettings(epochs=3, name="step")


def test_the_warmup_starts_where_it_is_told_to() -> None:
    found = factors(5, epochs=3, name="constant", warmup_epochs=2, warmup_from=0.1)
    assert found == pytest.approx([0.1 + 0.09 * step for step in range(1, 11)] + [1.0] * 5)


def test_the_warmup_of_the_reference_climbs_to_the_cosine_of_all_epochs() -> None:
    found = factors(
        4, epochs=50, warmup="reference", warmup_epochs=10, warmup_from=0.1, final_lr_fraction=0.001, per="epoch"
    )
    published = [0.001 + 0.999 * (1 + math.cos(math.pi * epoch / 50)) / 2 for epoch in range(1, 51)]
    top = 0.001 + 0.999 * (1 + math.cos(math.pi * 10 / 50)) / 2
    assert found[:40] == pytest.approx([0.1 + (top - 0.1) * step / 40 for step in range(40)])
    assert found[40::4] == pytest.approx(published[10:])
    linear = factors(4, epochs=50, warmup_epochs=10, warmup_from=0.1, final_lr_fraction=0.001, per="epoch")
    assert max(linear) == 1.0 > max(found), "the right one reaches the rate that was asked for"
    with pytest.raises(ValueError, match="reference needs name: cosine and per: epoch"):
        ScheduleSettings(epochs=3, warmup="reference")


def test_constant_after_the_warmup() -> None:
    assert factors(2, epochs=3, name="constant", warmup_epochs=1) == [0.5, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("per", ["step", "epoch"])
def test_no_warmup_and_nothing_but_warmup(per: str) -> None:
    assert factors(10, epochs=2, final_lr_fraction=0.0)[0] == 1.0
    only = ScheduleSettings(epochs=1, warmup_epochs=1, final_lr_fraction=0.0, per=per)  # type: ignore[arg-type]
    assert lr_factor(only, 9, 10) == 1.0
    assert 0 <= lr_factor(only, 10, 10) <= 1, "torch asks for one step more than there are"


@pytest.mark.parametrize("name", ["adamw", "sam", "look_sam", "momentum_sam"])
def test_the_schedule_reaches_the_optimiser_that_steps(name: str) -> None:
    network = nn.Linear(2, 1)
    made = create(optimizer(name=name, lr=0.4, weight_decay=0.0), network, nn.Module())
    rates = schedule(SCHEDULE, made, 4)
    assert isinstance(made, ClosureOptimizer)
    before = network.bias.detach().clone()

    def closure() -> torch.Tensor:
        made.zero_grad()
        loss = network(torch.ones(1, 2)).sum()
        loss.backward()
        return loss

    made.step(closure)
    assert (before - network.bias).item() == pytest.approx(0.4 * 0.25, rel=1e-3), "Adam's first step is the rate"
    rates.step()
    assert made.base.param_groups[0]["lr"] == made.param_groups[0]["lr"] == pytest.approx(0.2)
