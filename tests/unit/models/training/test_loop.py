"""The training loop: what it learns, what it keeps, and that it goes on where it was interrupted."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.networks.base import Network
from models.training import checkpoint as checkpoints
from models.training import selection
from models.training.inference import predict
from models.training.loop import fit
from models.training.objectives import CrossEntropy, Objective, SoftLabels
from models.training.selection import Fitted, TrainingData
from models.training.settings import MovingAverageSettings, ScheduleSettings, SpecAugmentSettings, TrainingSettings
from models.training.state import SAVE_EVERY
from tests.unit.models.training import together, toys

ROOT = Path(__file__).parents[4]

LONG = ScheduleSettings(epochs=12, warmup_epochs=1, final_lr_fraction=0.01)
PLAIN = SpecAugmentSettings(policy="none", fill="mean", gate="uniform")
EMA = MovingAverageSettings(kind="ema", decay=0.9)
VARIANTS = {
    "adamw": toys.settings(),
    "sam, EMA, clipped": toys.settings(optimizer=toys.optimizer(name="sam", clip_norm=1.0), moving_average=EMA),
    "shuffle": toys.settings(sampler="shuffle"),
}


class InterruptedTraining(Exception):  # noqa: N818
    pass


def train(
    folder: Path,
    settings: TrainingSettings,
    data: TrainingData,
    network: Network | None = None,
    objective: Objective | None = None,
    **callbacks: Any,
) -> Fitted:
    return fit(
        network or toys.network(),
        objective or CrossEntropy(0.1, None),
        settings,
        data,
        seed=1,
        compute=callbacks.pop("compute", toys.CPU),
        checkpoint=folder / "checkpoint",
        **callbacks,
    )


def same(one: Fitted, other: Fitted) -> bool:
    equal = one.history == other.history and one.chosen == other.chosen
    return equal and all(
        torch.equal(tensor, other.states[name][key])
        for name, state in one.states.items()
        for key, tensor in state.items()
    )


def test_it_learns(tmp_path: Path) -> None:
    fitted = train(tmp_path, toys.settings(schedule=LONG, specaugment=PLAIN), toys.data(tmp_path))
    assert fitted.chosen["val"]["score_strict"] > 85
    assert fitted.history[-1]["train_loss"] < 0.75 * fitted.history[0]["train_loss"]
    assert [row["epoch"] for row in fitted.history] == list(range(1, 13))
    assert fitted.history[0]["lr"] == pytest.approx(0.01)


def test_it_learns_from_soft_labels_alone(tmp_path: Path) -> None:
    data = toys.data(tmp_path)
    soft = np.full((70, 1, 4), 0.05, dtype=np.float32)
    soft[np.arange(70), 0, data.train.labels] = 0.85
    wrong = np.zeros(70, dtype=np.int64)  # all hard labels say normal: they play no part
    train_part = dataclasses.replace(data.train, labels=wrong, soft=soft)
    settings = toys.settings(schedule=LONG, specaugment=PLAIN, sampler="shuffle")
    fitted = train(tmp_path, settings, dataclasses.replace(data, train=train_part), objective=SoftLabels())
    assert fitted.chosen["val"]["score_strict"] > 85


@pytest.mark.parametrize("variant", VARIANTS)
def test_interrupted_at_any_moment_it_ends_as_if_undisturbed(tmp_path: Path, variant: str) -> None:
    settings, data = VARIANTS[variant], toys.data(tmp_path, paper=True)
    undisturbed = train(tmp_path / "a", settings, data)
    assert same(undisturbed, train(tmp_path / "b", settings, data)), "equal arguments, equal bits"
    # Before and after checkpoints of whole epochs, and of every step.
    moments = [(1, "train", 16), (1, "train", 24), (2, "train", 8), (2, "train", 64), (2, "val", 32), (3, "paper", 40)]
    for number, moment in enumerate(moments):
        every = 0.0 if number % 2 else SAVE_EVERY

        def interrupt(epoch: int, phase: str, done: int, total: int, moment: tuple[int, str, int] = moment) -> None:
            if (epoch, phase, done) == moment:
                raise InterruptedTraining

        torch.manual_seed(len(moments))  # nothing that a new process would not set itself
        with pytest.raises(InterruptedTraining):
            train(tmp_path / "c", settings, data, on_batch=interrupt, save_every=every)
    assert same(undisturbed, train(tmp_path / "c", settings, data))
    epochs: list[Any] = []
    assert same(undisturbed, train(tmp_path / "c", settings, data, on_epoch=epochs.append)), "finished: nothing to do"
    assert not epochs


def test_an_interrupted_epoch_goes_on_at_its_step(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    steps: list[tuple[int, str, int]] = []

    def interrupt(epoch: int, phase: str, done: int, total: int) -> None:
        steps.append((epoch, phase, done))
        if done == 40 and len(steps) == 5:
            raise InterruptedTraining

    data, speeds = toys.data(tmp_path), []
    with pytest.raises(InterruptedTraining):
        train(tmp_path, toys.settings(), data, on_batch=interrupt, save_every=0.0)
    with caplog.at_level("INFO"):
        train(tmp_path, toys.settings(), data, on_batch=interrupt, on_epoch=lambda epoch: speeds.append(epoch.speed))
    assert "Resumed after epoch 0, step 5 of the next." in caplog.text
    assert steps[:8] == [(1, "train", 8 * step) for step in range(1, 9)], "none twice, none left out"
    assert [round(speed.clips_per_s * speed.step_ms / 1000) for speed in speeds] == [8, 8, 8], "of this run's steps"


def test_killed_in_the_midst_of_an_epoch_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    data = toys.data(tmp_path)
    undisturbed = train(tmp_path / "a", VARIANTS["sam, EMA, clipped"], data)
    code = f"""if True:
        import os, signal, torch
        from pathlib import Path
        from tests.unit.models.training import test_loop, toys
        torch.set_num_threads(1)
        folder = Path({str(tmp_path)!r})
        kill = lambda epoch, phase, done, total: (epoch, done) == (2, 24) and os.kill(os.getpid(), signal.SIGKILL)
        settings = test_loop.VARIANTS["sam, EMA, clipped"]
        test_loop.train(folder / "c", settings, toys.data(folder), on_batch=kill, save_every=0.0)
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    kept = checkpoints.read(tmp_path / "c" / "checkpoint")
    assert kept is not None
    assert (kept["position"]["epoch"], kept["position"]["step"]) == (2, 3)
    assert same(undisturbed, train(tmp_path / "c", VARIANTS["sam, EMA, clipped"], data))


def test_features_in_memory_and_features_read_ahead_train_the_same_network(tmp_path: Path) -> None:
    data, compute = toys.data(tmp_path), dataclasses.replace(toys.CPU, cache_gb=0.0)
    held = train(tmp_path / "a", toys.settings(), data)
    assert same(held, train(tmp_path / "b", toys.settings(), data, compute=compute))


WEIGHTS = torch.tensor([0.05, 0.15, 0.3, 0.5])


@pytest.mark.parametrize(
    ("size", "weights"), [(3, None), (3, WEIGHTS), (1, WEIGHTS)], ids=["plain", "weighted", "weighted one by one"]
)
def test_micro_batches_train_what_whole_batches_train(tmp_path: Path, size: int, weights: torch.Tensor | None) -> None:
    data, fitted = toys.data(tmp_path), []
    for cut in (None, size):  # 3, 3 and 2 of 8
        settings = together.settings(micro_batch=cut, sampler="shuffle")
        torch.manual_seed(0)
        objective = CrossEntropy(0.1, weights)
        fitted.append(train(tmp_path / str(cut), settings, data, network=together.Normed(), objective=objective))
    whole, cut = fitted
    np.testing.assert_allclose(together.state(cut), together.state(whole), atol=1e-6)
    losses = [[row["train_loss"] for row in one.history] for one in fitted]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_several_soft_labels_of_a_cycle_are_drawn_in_turns(tmp_path: Path) -> None:
    """Two candidates that contradict each other teach their mean, one of them alone teaches itself."""
    data = toys.data(tmp_path)
    sure = np.full((70, 4), 0.01, dtype=np.float32)
    sure[:, 2] = 0.97
    other = np.roll(sure, 1, axis=1)  # all say class 3
    settings = toys.settings(schedule=LONG, specaugment=PLAIN, sampler="shuffle")
    means = []
    for number, soft in enumerate((sure[:, None], np.stack([sure, other], axis=1))):
        network = toys.network()
        part = dataclasses.replace(data.train, soft=soft)
        given = dataclasses.replace(data, train=part)
        train(tmp_path / str(number), settings, given, network=network, objective=SoftLabels())
        logits = predict(network, data.features, data.train.rows, compute=toys.CPU)
        means.append(torch.from_numpy(logits).softmax(1).mean(0).numpy())
    assert means[0][2] > 0.9
    assert means[1][2:] == pytest.approx([0.49, 0.49], abs=0.12)


@pytest.mark.slow  # compiles three graphs, about 20 s each on a busy core
def test_compiled_it_learns_the_same(tmp_path: Path) -> None:
    data, compute = toys.data(tmp_path), dataclasses.replace(toys.CPU, compile=True)
    torch.manual_seed(0)
    eager = train(tmp_path / "a", together.settings(), data, network=together.Normed())
    torch.manual_seed(0)
    compiled = train(tmp_path / "b", together.settings(), data, network=together.Normed(), compute=compute)
    np.testing.assert_allclose(together.state(compiled), together.state(eager), atol=1e-4)
    assert list(compiled.states["val"]) == list(eager.states["val"]), "names of a network that was not compiled"


def test_neither_the_random_state_nor_the_mode_it_starts_from_plays_a_part(tmp_path: Path) -> None:
    data, one, two = toys.data(tmp_path), toys.network(), toys.network().eval()
    torch.manual_seed(8)
    first = train(tmp_path / "a", toys.settings(), data, network=one)
    torch.manual_seed(9)
    assert same(first, train(tmp_path / "b", toys.settings(), data, network=two))


def test_other_seeds_give_other_networks(tmp_path: Path) -> None:
    data = toys.data(tmp_path)
    arguments = (CrossEntropy(0.1, None), toys.settings(), data)
    one, two = (
        fit(toys.network(), *arguments, seed=seed, compute=toys.CPU, checkpoint=tmp_path / str(seed)) for seed in (1, 2)
    )
    assert not same(one, two)


@pytest.mark.parametrize("name", ["head.weight", "body.1.running_mean"])
def test_the_average_is_judged_and_that_of_the_best_epoch_kept(tmp_path: Path, name: str) -> None:
    data, trained = toys.data(tmp_path), toys.network()
    averages: dict[int, torch.Tensor] = {}  # of one tensor, after each epoch, worked out here

    def average(epoch: int, phase: str, done: int, total: int) -> None:
        live = trained.state_dict()[name].clone()
        if phase == "train":
            averages[epoch] = 0.8 * averages.get(epoch, averages.get(epoch - 1, live)) + 0.2 * live

    fitted = train(
        tmp_path,
        toys.settings(schedule=LONG, moving_average=MovingAverageSettings(kind="ema", decay=0.8)),
        data,
        network=trained,
        on_batch=average,
    )
    best = int(fitted.chosen["val"]["epoch"])
    torch.testing.assert_close(fitted.states["val"][name], averages[best])
    kept = toys.network()
    kept.load_state_dict(fitted.states["val"])
    figures = selection.judge("val", kept, data, compute=toys.CPU, on_batch=lambda done, total: None)
    chosen = fitted.chosen["val"]
    assert {f"val_{name}": value for name, value in chosen.items() if name != "epoch"} == pytest.approx(figures)
    assert figures == {key: value for key, value in fitted.history[int(chosen["epoch"]) - 1].items() if "val" in key}
    assert chosen["score_strict"] == max(row["val_score_strict"] for row in fitted.history)


def figures(epoch: int, score: float, se: float = 50.0) -> dict[str, float]:
    names = {"epoch": epoch}
    for which in ("val", "paper"):
        names |= {f"{which}_score_strict": score, f"{which}_se_strict": se}
    return names


def test_of_equal_scores_the_earlier_epoch_stays_and_patience_counts_from_it() -> None:
    fitted = Fitted(states={}, chosen={}, history=[])
    for epoch, score in enumerate([40.0, 60.0, 60.0, 55.0], start=1):
        fitted.history.append(figures(epoch, score))
        selection.keep(fitted, "val", fitted.history[-1], toys.network())
    assert fitted.chosen["val"]["epoch"] == 2
    assert not selection.is_over(fitted, 3)
    assert selection.is_over(fitted, 2)
    assert not selection.is_over(fitted, 0)


@pytest.mark.parametrize(
    ("epochs", "paper"), [([(1, 50.0, 0.0), (2, 45.0, 6.0)], 2), ([(1, 50.0, 6.0), (2, 60.0, 5.0)], 1)]
)
def test_the_published_rule_prefers_epochs_with_some_sensitivity(
    epochs: list[tuple[int, float, float]], paper: int
) -> None:
    fitted = Fitted(states={}, chosen={}, history=[])
    for epoch in epochs:
        for which in ("val", "paper"):
            selection.keep(fitted, which, figures(*epoch), toys.network())  # type: ignore[arg-type]
    assert fitted.chosen["paper"]["epoch"] == paper
    assert fitted.chosen["val"]["epoch"] == max(epochs, key=lambda epoch: epoch[1])[0]


def test_it_stops_early(tmp_path: Path) -> None:
    still = toys.settings(optimizer=toys.optimizer(lr=1e-12), schedule=LONG, patience=2)
    net = toys.network()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.0
    fitted = train(tmp_path, still, toys.data(tmp_path), network=net)
    assert len(fitted.history) == 3
    assert fitted.chosen["val"]["epoch"] == 1


def test_a_class_may_be_absent_from_validation_but_not_all_of_one_side(tmp_path: Path) -> None:
    data = toys.data(tmp_path)
    part = data.judges["val"]
    for unwanted, message in (([3], None), ([0], "no normal"), ([1, 2, 3], "no abnormal")):
        left = ~np.isin(part.labels, unwanted)
        judges = {"val": dataclasses.replace(part, rows=part.rows[left], labels=part.labels[left])}
        fewer = dataclasses.replace(data, judges=judges)
        if message is None:
            assert np.isfinite(train(tmp_path, toys.settings(), fewer).chosen["val"]["score_strict"])
        else:
            with pytest.raises(ValueError, match=message):
                train(tmp_path, toys.settings(), fewer)


def test_too_few_cycles_for_a_batch_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="70 training cycles do not fill one batch of 71"):
        train(tmp_path, toys.settings(batch_size=71), toys.data(tmp_path))


def test_divergence_stops_the_training(tmp_path: Path) -> None:
    data = toys.data(tmp_path)
    wild = toys.settings(optimizer=toys.optimizer(lr=1e30), specaugment=PLAIN)
    with pytest.raises(FloatingPointError, match="diverged in epoch 1"):
        train(tmp_path, wild, data)
