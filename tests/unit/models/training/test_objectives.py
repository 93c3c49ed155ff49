"""Losses against values worked out by hand, and their gradients against finite differences."""

from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from models.training import registry
from models.training.objectives import CrossEntropy, SoftLabels, Targets
from models.training.optimizers import OPTIMIZERS
from models.training.registry import create
from models.training.settings import ObjectiveSettings, OptimizerSettings
from tests.unit.models.training.toys import Linear

SOFT = torch.tensor([[0.7, 0.2, 0.1, 0.0], [0.1, 0.1, 0.2, 0.6]])
TARGETS = Targets(labels=torch.tensor([0, 3]), soft=SOFT)
OBJECTIVES = [
    CrossEntropy(0.0, None),
    CrossEntropy(0.1, torch.tensor([0.1, 0.2, 0.3, 0.4])),
    SoftLabels(),
    SoftLabels(0.3, CrossEntropy(0.1)),
    CrossEntropy(0.1, torch.tensor([0.1, 0.2, 0.3, 0.4]), focal_gamma=1.5),
]


def linear() -> tuple[Linear, torch.Tensor]:
    torch.manual_seed(0)
    return Linear(6, 4), torch.randn(2, 3, 2)


def test_cross_entropy_with_smoothing_by_hand():
    network, features = linear()
    log_p = network(features).log_softmax(1)
    smooth = torch.full((2, 4), 0.1 / 4)
    smooth[[0, 1], TARGETS.labels] += 0.9
    expected = -(smooth * log_p).sum(1).mean()
    torch.testing.assert_close(CrossEntropy(0.1, None)(network, features, TARGETS), expected)


def test_weighted_cross_entropy_is_a_weighted_mean():
    network, features = linear()
    torch.nn.init.zeros_(network.head.weight)
    network.head.bias.data = torch.tensor([0.5, 0.25, 0.125, 0.125]).log()
    loss = CrossEntropy(0.0, torch.tensor([0.1, 0.2, 0.3, 0.4]))(network, features, TARGETS)
    # (0.1 · log 2 + 0.4 · log 8) / 0.5
    assert loss.item() == pytest.approx(2.6 * np.log(2))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_loss_by_hand(gamma):
    network, features = linear()
    torch.nn.init.zeros_(network.head.weight)
    network.head.bias.data = torch.tensor([0.5, 0.25, 0.125, 0.125]).log()
    loss = CrossEntropy(0.0, torch.tensor([0.1, 0.2, 0.3, 0.4]), focal_gamma=gamma)(network, features, TARGETS)
    # −α (1 − p)^γ log p of p = 1/2 with α = 0.1, and of p = 1/8 with α = 0.4
    each = 0.1 * 0.5**gamma * np.log(2), 0.4 * 0.875**gamma * np.log(8)
    assert loss.item() == pytest.approx(sum(each) / 0.5)


@pytest.mark.parametrize("weights", [None, torch.tensor([0.1, 0.2, 0.3, 0.4])], ids=["equal", "weighted"])
@pytest.mark.parametrize("heads", [(), (2, 2)])
def test_focal_loss_is_the_cross_entropy_of_each_cycle_times_a_factor(weights, heads):
    """With a head for each corpus, p is the probability among the classes of the cycle's own head."""
    logits, labels = torch.randn(5, 4), torch.tensor([0, 3, 1, 2, 3])
    found = CrossEntropy(0.1, weights, heads, focal_gamma=2.0).mean_loss(logits, labels, labels)
    total = torch.zeros(())
    for cycle in range(5):
        own = slice(2 * (labels[cycle] // 2), 2 * (labels[cycle] // 2) + 2) if heads else slice(0, 4)
        one, label = logits[cycle, own], labels[cycle] - own.start
        smoothed = F.cross_entropy(
            one, label, weights if weights is None else weights[own], label_smoothing=0.1, reduction="sum"
        )
        total += (1 - one.softmax(0)[label]) ** 2 * smoothed
    torch.testing.assert_close(found, total / (5 if weights is None else weights[labels].sum()))


@pytest.mark.parametrize("gamma", [0.0, 1e-9, 0.5, 2.0])
def test_focal_loss_of_a_certain_prediction_has_finite_gradients(gamma):
    logits = torch.tensor([[200.0, 0.0, 0.0, 0.0], [0.0, 200.0, 0.0, 0.0]], requires_grad=True)
    plain = CrossEntropy(0.1).mean_loss(logits, TARGETS.labels, None)
    loss = CrossEntropy(0.1, focal_gamma=gamma).mean_loss(logits, TARGETS.labels, None)
    if gamma < 0.1:
        torch.testing.assert_close(loss, plain)
    loss.backward()
    assert logits.grad.isfinite().all()
    assert (logits.grad[1] != 0).any(), "the second prediction is wrong"


def test_parts_of_a_batch_use_the_class_weights_of_the_whole_batch():
    """A cycle by itself keeps its class's weight, and the parts make up what the whole batch gives."""
    network, features = linear()
    objective = CrossEntropy(0.1, torch.tensor([0.1, 0.2, 0.3, 0.4]))
    whole = objective(network, features, TARGETS)
    parts = []
    for one in range(2):
        cut = slice(one, one + 1)
        parts.append(objective(network, features[cut], Targets(TARGETS.labels[cut], None, batch_labels=TARGETS.labels)))
    torch.testing.assert_close((parts[0] + parts[1]) / 2, whole)
    plain = F.cross_entropy(network(features[:1]), TARGETS.labels[:1])
    unsmoothed = CrossEntropy(0.0, torch.tensor([0.1, 0.2, 0.3, 0.4]))
    rare = unsmoothed(network, features[:1], Targets(TARGETS.labels[:1], None, batch_labels=TARGETS.labels))
    torch.testing.assert_close(rare, plain * 0.1 / 0.25)


def test_soft_labels_by_hand_ignore_hard_labels():
    network, features = linear()
    expected = -(SOFT * network(features).log_softmax(1)).sum(1).mean()
    other = Targets(labels=torch.tensor([1, 1]), soft=SOFT)
    torch.testing.assert_close(SoftLabels()(network, features, TARGETS), expected)
    torch.testing.assert_close(SoftLabels()(network, features, other), expected)
    with pytest.raises(ValueError, match="there are none"):
        SoftLabels()(network, features, Targets(labels=TARGETS.labels, soft=None))


def test_hard_labels_can_have_a_weight_beside_soft_labels():
    network, features = linear()
    soft, hard = SoftLabels()(network, features, TARGETS), CrossEntropy(0.1)(network, features, TARGETS)
    settings = ObjectiveSettings(name="soft_labels", hard_labels=0.25, label_smoothing=0.1)
    mixed = create(settings, np.array([0, 1, 2, 3]), 4, network)(network, features, TARGETS)
    torch.testing.assert_close(mixed, 0.75 * soft + 0.25 * hard)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=["plain", "weighted", "soft", "soft and hard", "focal"])
def test_gradients_agree_with_finite_differences(objective):
    network, features = linear()
    objective(network, features, TARGETS).backward()
    bias, step = network.head.bias, 0.05
    for at in range(4):
        with torch.no_grad():
            losses = []
            for moved in (step, -step):
                bias[at] += moved
                losses.append(objective(network, features, TARGETS))
                bias[at] -= moved
        assert bias.grad[at] == pytest.approx(((losses[0] - losses[1]) / (2 * step)).item(), abs=1e-4)


def test_balanced_weights_are_inverse_counts_and_zero_for_absent_classes():
    settings = ObjectiveSettings(name="cross_entropy", label_smoothing=0.1, class_weights="balanced")
    objective = create(settings, np.array([0, 0, 0, 0, 1, 1, 3]), 4, linear()[0])
    # 1/4, 1/2, none, 1/1, divided by their sum 7/4
    torch.testing.assert_close(objective.class_weights, torch.tensor([1 / 7, 2 / 7, 0, 4 / 7]))


def test_the_power_of_balanced_weights_and_gamma_reach_the_loss():
    settings = ObjectiveSettings(
        name="cross_entropy", class_weights="balanced", class_weight_power=0.5, focal_gamma=2.0
    )
    objective = create(settings, np.array([0, 0, 0, 0, 1, 3]), 4, linear()[0])
    # 1/2, 1/1, none, 1/1, divided by their sum 5/2
    torch.testing.assert_close(objective.class_weights, torch.tensor([0.2, 0.4, 0, 0.4]))
    assert objective.focal_gamma == 2


def test_soft_labels_refuse_options_without_effect():
    for changes in ({"label_smoothing": 0.1}, {"focal_gamma": 2.0}, {"class_weights": "balanced"}):
        with pytest.raises(ValueError, match=f"^{next(iter(changes))}: without hard_labels"):
            ObjectiveSettings(name="soft_labels", **changes)
    with pytest.raises(ValueError, match=r"^class_weight_power: 1, because"):
        ObjectiveSettings(name="cross_entropy", class_weight_power=0.5)


def test_the_names_of_the_settings_are_those_of_the_tables():
    for settings, table in ((ObjectiveSettings, registry.OBJECTIVES), (OptimizerSettings, OPTIMIZERS)):
        assert set(get_args(get_type_hints(settings)["name"])) == set(table)


def test_one_entry_of_the_table_registers_an_objective(monkeypatch):
    class Doubled(CrossEntropy):
        def forward(self, *arguments: object) -> torch.Tensor:
            return 2 * super().forward(*arguments)

    monkeypatch.setitem(registry.OBJECTIVES, "doubled", lambda settings, hard, network: Doubled())
    network, features = linear()
    built = create(ObjectiveSettings(name="doubled"), np.arange(4), 4, network)
    torch.testing.assert_close(built(network, features, TARGETS), 2 * CrossEntropy()(network, features, TARGETS))
