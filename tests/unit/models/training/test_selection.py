"""Selection of the best epoch, and early stopping."""

import dataclasses

import numpy as np
import pytest
import torch

from models.training import selection
from models.training.selection import TrainingResult
from models.training.settings import MovingAverageSettings
from tests.unit.models.training import toys
from tests.unit.models.training.toys import LONG, train


@pytest.mark.slow
@pytest.mark.parametrize("name", ["head.weight", "body.1.running_mean"])
def test_the_average_is_evaluated_and_saved_at_the_best_epoch(tmp_path, name):
    data, trained = toys.data(tmp_path), toys.network()
    averages: dict[int, torch.Tensor] = {}  # of one tensor, after each epoch, worked out here

    def average(epoch: int, phase: str, done: int, total: int) -> None:
        live = trained.state_dict()[name].clone()
        if phase == "train":
            averages[epoch] = 0.8 * averages.get(epoch, averages.get(epoch - 1, live)) + 0.2 * live

    result = train(
        tmp_path,
        toys.settings(schedule=LONG, moving_average=MovingAverageSettings(kind="ema", decay=0.8)),
        data,
        network=trained,
        on_batch=average,
    )
    best = int(result.best["val"]["epoch"])
    torch.testing.assert_close(result.states["val"][name], averages[best])
    kept = toys.network()
    kept.load_state_dict(result.states["val"])
    figures = selection.evaluate("val", kept, data, compute=toys.CPU, on_batch=lambda done, total: None)
    chosen = result.best["val"]
    assert {f"val_{name}": value for name, value in chosen.items() if name != "epoch"} == pytest.approx(figures)
    assert figures == {key: value for key, value in result.history[int(chosen["epoch"]) - 1].items() if "val" in key}
    assert chosen["score_strict"] == max(row["val_score_strict"] for row in result.history)


def figures(epoch: int, score: float, se: float = 50.0) -> dict[str, float]:
    names = {"epoch": epoch}
    for which in ("val", "paper"):
        names |= {f"{which}_score_strict": score, f"{which}_se_strict": se}
    return names


def test_of_equal_scores_the_earlier_epoch_is_selected():
    result = TrainingResult(states={}, best={}, history=[], first_losses=[])
    for epoch, score in enumerate([40.0, 60.0, 60.0, 55.0], start=1):
        result.history.append(figures(epoch, score))
        selection.update_best(result, "val", result.history[-1], toys.network())
    assert result.best["val"]["epoch"] == 2
    assert not selection.should_stop(result, 3)
    assert selection.should_stop(result, 2)
    assert not selection.should_stop(result, 0)


@pytest.mark.parametrize(
    ("epochs", "paper"), [([(1, 50.0, 0.0), (2, 45.0, 6.0)], 2), ([(1, 50.0, 6.0), (2, 60.0, 5.0)], 1)]
)
def test_the_published_rule_prefers_epochs_with_some_sensitivity(epochs, paper):
    result = TrainingResult(states={}, best={}, history=[], first_losses=[])
    for epoch in epochs:
        for which in ("val", "paper"):
            selection.update_best(result, which, figures(*epoch), toys.network())
    assert result.best["paper"]["epoch"] == paper
    assert result.best["val"]["epoch"] == max(epochs, key=lambda epoch: epoch[1])[0]


def test_early_stopping(tmp_path):
    still = toys.settings(optimizer=toys.optimizer(lr=1e-12), schedule=LONG, patience=2)
    net = toys.network()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.0
    result = train(tmp_path, still, toys.data(tmp_path), network=net)
    assert len(result.history) == 3
    assert result.best["val"]["epoch"] == 1


def test_validation_needs_normal_and_abnormal_cycles(tmp_path):
    data = toys.data(tmp_path)
    part = data.selections["val"]
    for unwanted, message in (([3], None), ([0], "no normal"), ([1, 2, 3], "no abnormal")):
        left = ~np.isin(part.labels, unwanted)
        judges = {"val": dataclasses.replace(part, rows=part.rows[left], labels=part.labels[left])}
        fewer = dataclasses.replace(data, selections=judges)
        if message is None:
            assert np.isfinite(train(tmp_path, toys.settings(), fewer).best["val"]["score_strict"])
        else:
            with pytest.raises(ValueError, match=message):
                train(tmp_path, toys.settings(), fewer)
