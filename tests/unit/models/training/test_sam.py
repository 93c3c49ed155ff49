"""Sharpness-aware minimisation on known loss surfaces."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from models.training.optimizers import create
from models.training.sam import SAM, frozen_statistics
from tests.unit.models.training.surfaces import CURVATURE, START, minimise, quadratic
from tests.unit.models.training.toys import TinyNetwork, optimizer, take_step


@pytest.mark.parametrize("adaptive", [False, True])
def test_one_step_on_a_quadratic_follows_the_paper(adaptive):
    rho, lr, start = 0.1, 0.01, START
    point = nn.Parameter(start.clone())
    losses = minimise(quadratic, point, SAM(SGD([point], lr=lr), rho=rho, adaptive=adaptive))
    gradient = CURVATURE * start
    if adaptive:  # ε = ρ w² g / ‖|w| g‖
        ascent = rho * start**2 * gradient / (start.abs() * gradient).norm()
    else:  # ε = ρ g / ‖g‖
        ascent = rho * gradient / gradient.norm()
    torch.testing.assert_close(point.data, start - lr * CURVATURE * (start + ascent))
    assert losses[0] == quadratic(start)


@pytest.mark.parametrize("start", [-0.2, 0.15, *(pytest.param(near, marks=pytest.mark.slow) for near in (-0.05, 0.03))])
def test_it_leaves_a_sharp_minimum_in_which_gradient_descent_stays(start):
    def wells(w: Tensor) -> Tensor:  # both of depth zero: a sharp one at 0, a flat one at 3
        return torch.minimum(18 * w**2, 0.5 * (w - 3) ** 2).sum() / 2

    ends = {}
    for rho in (0.0, 0.1):
        point = nn.Parameter(torch.tensor([start], dtype=torch.float64))
        # The sharp well holds plain descent (rate × curvature 1.9 < 2), though it swings far there.
        minimise(wells, point, SAM(SGD([point], lr=1.9 / 18), rho=rho, adaptive=False), steps=400)
        ends[rho] = point.item()
    assert ends[0.0] == pytest.approx(0, abs=1e-3)
    assert ends[0.1] == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("fails", [False, True])
def test_the_weights_are_restored_exactly(fails):
    torch.manual_seed(0)
    network = nn.Linear(50, 50)
    before = [p.detach().clone() for p in network.parameters()]
    sam = SAM(SGD(network.parameters(), lr=0.0), rho=0.37, adaptive=False)
    seen = []

    def loss() -> Tensor:
        seen.append(network.weight.detach().clone())
        if fails and len(seen) == 2:
            raise KeyboardInterrupt
        return network(torch.ones(3, 50)).square().mean()

    with pytest.raises(KeyboardInterrupt) if fails else nullcontext():
        take_step(sam, loss)
    moved = torch.cat([(seen[1] - seen[0]).flatten()]).norm()
    assert 0 < moved <= 0.37 + 1e-5
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_batchnorm_statistics_use_only_the_first_pass():
    torch.manual_seed(0)
    network, features = TinyNetwork(), torch.randn(6, 20, 16)
    plain = TinyNetwork()
    plain.load_state_dict(network.state_dict())
    plain(features)
    sam = create(optimizer(name="sam", rho=5.0), network, nn.Module())
    take_step(sam, lambda: network(features).square().mean())
    for name, buffer in plain.named_buffers():
        assert torch.equal(buffer, network.get_buffer(name)), name
    assert network.body[1].track_running_stats
    with frozen_statistics(network):
        network(features)
        assert network.body[1].num_batches_tracked == 1


def test_the_second_gradient_is_clipped():
    start = torch.tensor([3.0, -4.0])
    point = nn.Parameter(start.clone())
    minimise(quadratic, point, SAM(SGD([point], lr=1.0), rho=0.05, adaptive=False, clip_norm=0.1))
    assert (point.detach() - start).norm() == pytest.approx(0.1, rel=1e-3)


def test_a_negative_radius_is_refused():
    with pytest.raises(ValueError, match="cannot be negative"):
        SAM(SGD([nn.Parameter(torch.ones(1))], lr=0.1), rho=-1.0, adaptive=False)
