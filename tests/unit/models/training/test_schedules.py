"""Learning-rate schedules."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from models.training.base_optimizer import ClosureOptimizer
from models.training.optimizers import create
from models.training.schedules import lr_factor, schedule
from models.training.settings import ScheduleSettings
from tests.unit.models.training.toys import optimizer, take_step

SCHEDULE = ScheduleSettings(epochs=5, warmup_epochs=1, final_lr_fraction=0.1)


def factors(steps_per_epoch: int, **changes: object) -> list[float]:
    settings = ScheduleSettings(**changes)
    return [lr_factor(settings, step, steps_per_epoch) for step in range(settings.epochs * steps_per_epoch)]


def test_linear_warmup_then_cosine():
    found = [lr_factor(SCHEDULE, step, 4) for step in range(21)]
    assert found[:4] == [0.25, 0.5, 0.75, 1.0]
    assert found[4] == 1.0
    assert found[12] == pytest.approx(0.55), "half way between 1 and 0.1"
    assert found[20] == pytest.approx(0.1)
    assert all(later < earlier for earlier, later in pairwise(found[4:]))


def test_the_published_cosine_per_epoch():
    found = factors(517, epochs=50, final_lr_fraction=0.001, per="epoch")
    assert len(set(found)) == 50, "one rate an epoch"
    published = [0.001 + 0.999 * (1 + math.cos(math.pi * epoch / 50)) / 2 for epoch in range(1, 51)]
    assert found[::517] == pytest.approx(published)
    assert found[0] == pytest.approx(0.999014, abs=1e-6), "the first epoch is below the highest rate"
    assert 5e-5 * found[-1] == pytest.approx(5e-8)


def test_per_epoch_the_warmup_rises_once_an_epoch():
    found = factors(3, epochs=6, warmup_epochs=2, final_lr_fraction=0.0, per="epoch")
    cosine = [(1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in (1, 2, 3, 4)]
    assert found[::3] == pytest.approx([0.5, 1.0, *cosine])
    assert found[::3] == found[1::3] == found[2::3]


def test_milestones_count_the_epochs_before_them():
    found = factors(2, epochs=6, name="step", milestones=(2, 4), decay=0.1, warmup_epochs=0.5)
    assert found == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01])
    climbing = factors(4, epochs=3, name="step", milestones=(2,), decay=0.5, warmup_epochs=1)
    assert climbing == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5])
    with pytest.raises(ValueError, match=r"^milestones: .*the schedule step needs"):
        ScheduleSettings(epochs=3, name="step")


def test_constant_after_a_warmup_from_warmup_from():
    assert factors(2, epochs=3, name="constant", warmup_epochs=1) == [0.5, 1, 1, 1, 1, 1]
    found = factors(5, epochs=3, name="constant", warmup_epochs=2, warmup_from=0.1)
    assert found == pytest.approx([0.1 + 0.09 * step for step in range(1, 11)] + [1.0] * 5)


def test_the_reference_warmup_rises_to_the_cosine_of_all_epochs():
    found = factors(
        4, epochs=50, warmup="reference", warmup_epochs=10, warmup_from=0.1, final_lr_fraction=0.001, per="epoch"
    )
    published = [0.001 + 0.999 * (1 + math.cos(math.pi * epoch / 50)) / 2 for epoch in range(1, 51)]
    top = 0.001 + 0.999 * (1 + math.cos(math.pi * 10 / 50)) / 2
    assert found[:40] == pytest.approx([0.1 + (top - 0.1) * step / 40 for step in range(40)])
    assert found[40::4] == pytest.approx(published[10:])
    linear = factors(4, epochs=50, warmup_epochs=10, warmup_from=0.1, final_lr_fraction=0.001, per="epoch")
    assert max(linear) == 1.0 > max(found), "a linear warm-up reaches the highest rate"
    with pytest.raises(ValueError, match="reference only with name: cosine and per: epoch"):
        ScheduleSettings(epochs=3, warmup="reference")


@pytest.mark.parametrize("per", ["step", "epoch"])
def test_schedules_without_warmup_and_with_warmup_only(per):
    assert factors(10, epochs=2, final_lr_fraction=0.0)[0] == 1.0
    only = ScheduleSettings(epochs=1, warmup_epochs=1, final_lr_fraction=0.0, per=per)
    assert lr_factor(only, 9, 10) == 1.0
    assert 0 <= lr_factor(only, 10, 10) <= 1, "torch calls the schedule once more than there are steps"


@pytest.mark.parametrize("name", ["adamw", "sam", "look_sam", "momentum_sam"])
def test_the_schedule_sets_the_rate_of_the_base_optimiser(name):
    network = nn.Linear(2, 1)
    built = create(optimizer(name=name, lr=0.4, weight_decay=0.0), network, nn.Module())
    rates = schedule(SCHEDULE, built, 4)
    assert isinstance(built, ClosureOptimizer)
    before = network.bias.detach().clone()
    take_step(built, lambda: network(torch.ones(1, 2)).sum())
    assert (before - network.bias).item() == pytest.approx(0.4 * 0.25, rel=1e-3), "Adam's first step is the rate"
    rates.step()
    assert built.base.param_groups[0]["lr"] == built.param_groups[0]["lr"] == pytest.approx(0.2)
