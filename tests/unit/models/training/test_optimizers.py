"""Steps of the optimisers, and gradient clipping."""

from typing import get_args, get_type_hints

import pytest
import torch
from torch import nn
from torch.optim import Optimizer

from models.training.optimizers import create
from models.training.settings import OptimizerSettings, ScheduleSettings
from tests.unit.models.training.toys import optimizer, take_step

NAMES = get_args(get_type_hints(OptimizerSettings)["name"])


class Slope(nn.Module):
    def __init__(self, start: list[float], gradient: list[float]) -> None:
        super().__init__()
        self.point, self.gradient = nn.Parameter(torch.tensor(start)), torch.tensor(gradient)

    def clip_and_step(self, built: Optimizer) -> list[float]:
        take_step(built, torch.dot, self.gradient, self.point)
        return self.point.tolist()


def test_sgd_has_momentum_and_an_l2_penalty():
    slope = Slope([2.0], [1.0])
    built = create(optimizer(name="sgd", lr=0.1, weight_decay=0.5, momentum=0.9), slope, nn.Module())
    assert slope.clip_and_step(built) == pytest.approx([2.0 - 0.1 * (1 + 0.5 * 2.0)])
    # The buffer is 0.9 · 2 + (1 + 0.5 · 1.8) = 3.7.
    assert slope.clip_and_step(built) == pytest.approx([1.8 - 0.1 * 3.7])


def test_weight_decay_is_l2_in_adam_and_decoupled_in_adamw():
    ends = {}
    for name in ("adam", "adamw"):
        slope = Slope([4.0, -4.0, 4.0], [-1.0, 0.0, 0.0])
        built = create(optimizer(name=name, lr=0.1, weight_decay=0.5), slope, nn.Module())
        ends[name] = slope.clip_and_step(built)
    # Adam's first step is the rate against the sign of g + 0.5 w = (1, −2, 2).
    assert ends["adam"] == pytest.approx([3.9, -3.9, 3.9])
    # AdamW first takes lr · 0.5 off the weights, then a step against the sign of g = (−1, 0, 0).
    assert ends["adamw"] == pytest.approx([4 * 0.95 + 0.1, -4 * 0.95, 4 * 0.95])


@pytest.mark.parametrize(("clip_norm", "norm", "tolerance"), [(0.5, 0.5, 1e-4), (None, 50.0, 1e-6)])
@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_is_clipped_only_with_clip_norm(name, clip_norm, norm, tolerance):
    slope = Slope([3.0, 4.0], [30.0, -40.0])
    built = create(optimizer(name=name, clip_norm=clip_norm), slope, nn.Module())
    for _ in range(3):
        slope.clip_and_step(built)
        assert slope.point.grad.norm().item() == pytest.approx(norm, rel=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_memory_formats_do_not_matter(name):
    ends = []
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 2, 2)).to(memory_format=layout)
        built = create(optimizer(name=name), network, nn.Module())
        images = torch.randn(4, 3, 9, 7).to(memory_format=layout)
        for _ in range(4):
            take_step(built, lambda module, given: module(given).square().mean(), network, images)
        ends.append([p.detach().contiguous() for p in network.parameters()])
    torch.testing.assert_close(ends[0], ends[1], atol=1e-5, rtol=1e-4)


def test_modules_of_the_objective_are_trained_too_and_frozen_parameters_are_not():
    network, objective = nn.Linear(2, 1), nn.Linear(3, 1)
    network.bias.requires_grad_(requires_grad=False)
    built = create(optimizer(name="sam"), network, objective)
    assert sum(p.numel() for group in built.param_groups for p in group["params"]) == 2 + 4


def test_a_warmup_longer_than_the_schedule_is_refused():
    with pytest.raises(ValueError, match=r"^warmup_epochs: at most epochs, which is 2"):
        ScheduleSettings(epochs=2, warmup_epochs=3, final_lr_fraction=0.1)
