"""Moving averages against weights worked out by hand."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from models.training.averaging import WeightAverage, create
from models.training.optimizers import create as create_optimizer
from models.training.settings import MovingAverageSettings
from tests.unit.models.training.toys import TinyNetwork, network, optimizer, take_step

STEPS = 40


def average(kind: str, trained: TinyNetwork, decay: float = 0.5) -> WeightAverage:
    return create(MovingAverageSettings(kind=kind, decay=decay), trained)


def train(trained: TinyNetwork, lr: float, after_step: Callable[[], None], *, name: str = "adam") -> TinyNetwork:
    built = create_optimizer(optimizer(name=name, lr=lr), trained, nn.Module())
    trained.eval()  # without dropout
    noise = torch.Generator().manual_seed(5)

    def loss(features: torch.Tensor, label: int) -> torch.Tensor:
        return nn.functional.cross_entropy(trained(features), torch.full((4,), label))

    for step in range(STEPS):
        take_step(built, loss, torch.randn((4, 20, 16), generator=noise), step % 4)
        after_step()
    return trained


def flat(module: nn.Module) -> torch.Tensor:
    return nn.utils.parameters_to_vector(module.parameters()).detach()


@pytest.mark.parametrize("name", ["adam", "sam"])
def test_the_reference_average_equals_half_the_learning_rate(name):
    live = network(1)
    reference = average("reference", live)
    assert reference.network is live
    train(live, 0.01, reference.update, name=name)
    half = train(network(1), 0.005, lambda: None, name=name)
    whole = train(network(1), 0.01, lambda: None, name=name)
    assert (flat(live) - flat(half)).abs().max() < 2e-6
    assert (flat(live) - flat(whole)).abs().max() > 1e-2

    followed = network(1)
    ema = average("ema", followed)
    train(followed, 0.01, ema.update, name=name)
    assert torch.equal(flat(followed), flat(whole)), "an average does not change the training"
    assert (flat(ema.network) - flat(live)).abs().max() > 1e-2


def test_the_reference_average_includes_the_objectives_modules():
    trained, other = network(), nn.Linear(2, 1)
    before, statistics = other.weight.detach().clone(), trained.body[1].running_mean.clone()
    reference = create(MovingAverageSettings(kind="reference", decay=0.25), trained, other)
    with torch.no_grad():
        other.weight += 1
        trained.body[1].running_mean += 1
    reference.update()
    torch.testing.assert_close(other.weight.detach(), before + 0.75)
    torch.testing.assert_close(trained.body[1].running_mean, statistics + 0.75)


def test_the_exponential_average_is_that_of_torch():
    trained = network()
    ours = average("ema", trained, 0.9)
    theirs = AveragedModel(trained, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)

    def both() -> None:
        with torch.no_grad():
            trained.body[1].running_mean.add_(0.1)
            trained.body[1].num_batches_tracked.add_(1)
        ours.update()
        theirs.update_parameters(trained)

    train(trained, 0.01, both)
    for name, tensor in theirs.module.state_dict().items():
        if "num_batches" not in name:
            assert torch.equal(tensor, ours.network.state_dict()[name]), name
    assert ours.network.body[1].num_batches_tracked == STEPS, "counts are copied, not averaged"


def test_by_hand():
    trained = network()
    ema = average("ema", trained, 0.75)
    for value in (8.0, 4.0, 0.0):
        nn.init.constant_(trained.head.bias, value)
        ema.update()
    assert torch.equal(ema.network.head.bias, torch.full((4,), 0.75 * 7.0)), "8 first, then 8 → 7 → 5.25"


@pytest.mark.parametrize("kind", ["ema", "reference", "none"])
def test_interrupted_and_resumed_equals_uninterrupted(kind):
    def jump(trained: TinyNetwork, followed: WeightAverage, values: list[float]) -> None:
        for value in values:
            with torch.no_grad():
                trained.head.weight.add_(value)
            followed.update()

    whole = network()
    once = average(kind, whole)
    jump(whole, once, [1.0, -3.0, 0.5, 2.0])

    first = network()
    begun = average(kind, first)
    jump(first, begun, [1.0, -3.0])
    second = network(9)
    resumed = average(kind, second)
    second.load_state_dict(first.state_dict())
    resumed.load_state_dict(begun.state_dict())
    jump(second, resumed, [0.5, 2.0])
    assert torch.equal(flat(resumed.network), flat(once.network))


def test_without_an_average_the_network_itself_is_evaluated():
    trained = network()
    followed = average("none", trained)
    before = flat(trained)
    followed.update()
    assert followed.network is trained
    assert torch.equal(flat(trained), before)
