"""LookSAM and Momentum-SAM on known loss surfaces, and the number of their gradients."""

import io

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from models.training.base_optimizer import ClosureOptimizer
from models.training.optimizers import create
from models.training.sam import SAM
from models.training.sam_variants import LookSAM, MomentumSAM
from tests.unit.models.training.surfaces import CURVATURE, START, minimise, quadratic, valley
from tests.unit.models.training.toys import TinyNetwork, optimizer, take_step

VARIANTS = ("look_sam", "momentum_sam")


def look_sam(point: nn.Parameter, *, rho: float, lr: float, interval: int) -> LookSAM:
    return LookSAM(SGD([point], lr=lr), rho=rho, adaptive=False, interval=interval, alpha=0.7)


def test_the_first_two_steps_of_looksam_follow_the_paper():
    rho, lr, point = 0.1, 0.01, nn.Parameter(START.clone())
    built = look_sam(point, rho=rho, lr=lr, interval=2)
    minimise(quadratic, point, built, 1)
    g = CURVATURE * START
    g_s = CURVATURE * (START + rho * g / g.norm())
    second = START - lr * g_s
    torch.testing.assert_close(point.data, second)

    minimise(quadratic, point, built, 1)
    g_v = g_s - g_s.norm() * torch.cosine_similarity(g, g_s, dim=0) * g / g.norm()
    assert abs(g_v @ g) < 1e-3 * g_v.norm() * g.norm()
    g = CURVATURE * second
    third = second - lr * (g + 0.7 * g.norm() / g_v.norm() * g_v)
    torch.testing.assert_close(point.data, third, atol=1e-5, rtol=1e-5)


def sam(point: nn.Parameter, *, rho: float = 0.0) -> SAM:
    return SAM(SGD([point], lr=0.01), rho=rho, adaptive=False)


LIMITS = {
    "SAM of radius 0 is its base": (sam, lambda point: SGD([point], lr=0.01)),
    "LookSAM of interval 1 is SAM": (lambda p: look_sam(p, rho=0.1, lr=0.01, interval=1), lambda p: sam(p, rho=0.1)),
    "MomentumSAM of radius 0 is AdamW": (
        lambda point: MomentumSAM(AdamW([point], lr=0.1), rho=0.0, adaptive=False),
        lambda point: AdamW([point], lr=0.1),
    ),
}


@pytest.mark.parametrize("case", LIMITS)
def test_a_limit_equals_a_simpler_optimiser(case):
    points = [nn.Parameter(START.clone()) for _ in range(2)]
    for point, build in zip(points, LIMITS[case], strict=True):
        minimise(quadratic, point, build(point), 20)
    assert torch.equal(*points)


@pytest.mark.parametrize(("name", "gradients"), [("adamw", 30), ("sam", 60), ("look_sam", 36), ("momentum_sam", 30)])
def test_number_of_gradients_in_thirty_steps(name, gradients):
    module = nn.Linear(2, 1, bias=False)
    built = create(optimizer(name=name, interval=5), module, nn.Module())
    assert len(minimise(lambda w: (w**2).sum(), module.weight, built, 30)) == gradients


BUILDERS = {
    "sam": lambda point, rho: SAM(SGD([point], lr=0.2), rho=rho, adaptive=False),
    "look_sam": lambda point, rho: look_sam(point, rho=rho, lr=0.2, interval=5),
    "momentum_sam": lambda point, rho: MomentumSAM(AdamW([point], lr=0.01, weight_decay=0.0), rho=rho, adaptive=False),
}


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("sam", 750),
        pytest.param("look_sam", 1750, marks=pytest.mark.slow),  # 1 s each
        pytest.param("momentum_sam", 1750, marks=pytest.mark.slow),
    ],
)
def test_in_a_valley_of_equal_minima_it_moves_to_the_flat_part(name, steps):
    ends = {}
    for rho, number in ((0.0, 300), (0.2, steps)):
        point = nn.Parameter(torch.tensor([0.5, 1.5]))
        minimise(valley, point, BUILDERS[name](point, rho), number)
        ends[rho] = point.detach()
    assert ends[0.0][1] > 1.0, "the base optimiser does not move along the valley"
    assert ends[0.2].abs().max() < 0.05


@pytest.mark.parametrize("adaptive", [False, True])
def test_momentum_sams_second_gradient_is_at_the_shifted_weights(adaptive):
    rho, lr, point = 0.5, 0.01, nn.Parameter(START.clone())
    built = MomentumSAM(AdamW([point], lr=lr, weight_decay=0.0), rho=rho, adaptive=adaptive)
    minimise(quadratic, point, built, 1)
    first = CURVATURE * START
    after = START - lr * first.sign()
    torch.testing.assert_close(point.data, after)  # there is no momentum yet
    minimise(quadratic, point, built, 1)
    momentum = 0.1 * first
    scale = after.abs() if adaptive else torch.ones(2)
    shift = -rho * scale**2 * momentum / (scale * momentum).norm()
    second = CURVATURE * (after + shift)
    mean, square = (0.9 * momentum + 0.1 * second) / (1 - 0.9**2), 0.999 * 0.001 * first**2 + 0.001 * second**2
    torch.testing.assert_close(point.data, after - lr * mean / (square / (1 - 0.999**2)).sqrt())


def train(network: TinyNetwork, built: Optimizer, steps: int, *, bf16: bool = False) -> list[float]:
    """Return the losses of steps on sixteen fixed samples, without dropout."""
    network.train()
    network.body[3].eval()
    features, labels = torch.randn((16, 20, 16), generator=torch.Generator().manual_seed(1)), torch.arange(16) % 4

    def loss() -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            return nn.functional.cross_entropy(network(features).float(), labels)

    return [take_step(built, loss).item() for _ in range(steps)]


@pytest.mark.parametrize("name", VARIANTS)
def test_interrupted_and_resumed_equals_uninterrupted(name):
    def begin(seed: int) -> tuple[TinyNetwork, Optimizer]:
        torch.manual_seed(seed)
        network = TinyNetwork()
        return network, create(optimizer(name=name, interval=3), network, nn.Module())

    whole, built = begin(0)
    train(whole, built, 9)
    first, built = begin(0)
    train(first, built, 4)  # of an interval of 3, in its midst
    file = io.BytesIO()
    torch.save({"network": first.state_dict(), "optimizer": built.state_dict()}, file)
    state = torch.load(io.BytesIO(file.getvalue()), weights_only=True)
    second, built = begin(7)
    second.load_state_dict(state["network"])
    built.load_state_dict(state["optimizer"])
    train(second, built, 5)
    for a, b in zip(whole.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", ["sam", *VARIANTS])
@pytest.mark.parametrize("bf16", [False, True])
def test_weights_are_restored_exactly_and_batchnorm_sees_one_pass_per_step(name, bf16):
    torch.manual_seed(0)
    network = TinyNetwork()
    built = create(optimizer(name=name, rho=3.0, lr=1e-3, weight_decay=0.0, interval=2), network, nn.Module())
    assert isinstance(built, ClosureOptimizer)
    train(network, built, 3, bf16=bf16)
    built.base.param_groups[0]["lr"] = 0.0
    before = [p.detach().clone() for p in network.parameters()]
    losses = train(network, built, 2, bf16=bf16)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert torch.isfinite(torch.tensor(losses)).all()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    assert network.body[1].num_batches_tracked == 5


@pytest.mark.parametrize("name", ["sam", *VARIANTS])
def test_it_learns_under_autocast_in_bf16(name):
    torch.manual_seed(0)
    network = TinyNetwork()
    losses = train(network, create(optimizer(name=name, lr=0.03), network, nn.Module()), 80, bf16=True)
    assert losses[-1] < 0.7 * losses[0]
