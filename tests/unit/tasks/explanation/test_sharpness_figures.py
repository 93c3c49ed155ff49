"""Figures of sharpness of a trained network on training cycles."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from models.heads import Head, Heads
from models.training.features import Features
from tasks.explanation import sharpness
from tasks.training.trained_networks import TrainedNetwork
from tests.unit.models.training.toys import network, write_cache

CPU = torch.device("cpu")
HEADS = Heads(
    {name: Head(labels=name, classes=("normal", "abnormal"), shared=(0, 1)) for name in ("one", "two")}
).card()


def trained(folder, card=None) -> tuple[TrainedNetwork, torch.Tensor]:
    labels = np.arange(20) % 4
    write_cache(folder, labels)
    return TrainedNetwork(network().eval(), card or {}, Features(folder), np.arange(20)), torch.from_numpy(labels)


@pytest.mark.slow
def test_figures_of_a_network(tmp_path):
    model, labels = trained(tmp_path / "cache")
    before = [parameter.detach().clone() for parameter in model.network.parameters()]
    found = sharpness.figures(model, labels, iterations=30, points=3, seed=0, device=CPU)
    features = model.features.batch(model.rows, CPU)
    with torch.no_grad():
        expected = F.cross_entropy(model.network(features), labels).item()
    assert found["loss"] == pytest.approx(expected, abs=1e-4)
    line, plane = found["line"], found["plane"]
    assert line["offsets"] == [-0.25, -0.125, 0, 0.125, 0.25]
    assert plane["offsets"] == line["offsets"][::2]
    assert line["losses"][2] == plane["losses"][1][1] == found["loss"]
    assert [row[1] for row in plane["losses"]] == line["losses"][::2]  # along the first direction
    assert found["eigenvalue"] > 0
    assert found["residual"] < 0.3
    assert 1 < found["products"] <= 30
    assert all(torch.equal(one, other) for one, other in zip(before, model.network.parameters(), strict=True))
    assert sharpness.figures(model, labels, iterations=30, points=3, seed=0, device=CPU) == found


@pytest.mark.slow
def test_sharper_loss_has_a_larger_eigenvalue(tmp_path):
    model, labels = trained(tmp_path / "cache")
    flat = sharpness.figures(model, labels, iterations=30, points=2, seed=0, device=CPU)
    with torch.no_grad():
        model.network.body[1].weight.mul_(3.0)  # larger features: the loss changes faster with the head
    sharp = sharpness.figures(model, labels, iterations=30, points=2, seed=0, device=CPU)
    assert sharp["eigenvalue"] > 2 * flat["eigenvalue"]


def test_the_loss_of_a_cycle_is_that_of_its_own_head(tmp_path):
    model, labels = trained(tmp_path / "cache", {"heads": HEADS})
    features = model.features.batch(model.rows, CPU)
    found = sharpness.figures(model, labels, iterations=1, points=2, seed=0, device=CPU)
    with torch.no_grad():
        logits = model.network(features).reshape(20, 2, 2)
    own = logits[range(20), labels // 2]
    assert found["loss"] == pytest.approx(F.cross_entropy(own, labels % 2).item(), abs=1e-4)
