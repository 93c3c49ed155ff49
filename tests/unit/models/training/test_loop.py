"""Training loop: learning, determinism, errors, and steps on a GPU without synchronisation."""

import dataclasses
import functools

import numpy as np
import pytest
import torch

from models.training.inference import autocast, predict
from models.training.loop import FIRST_STEPS, first_losses, fit
from models.training.objectives import CrossEntropy, SoftLabels
from models.training.registry import create
from models.training.settings import ComputeSettings, MovingAverageSettings, ObjectiveSettings, PatchMixSettings
from tests.unit.models.training import multi_process as parallel
from tests.unit.models.training import toys
from tests.unit.models.training.toys import LONG, PLAIN, same, train


def test_it_learns(tmp_path):
    result = train(tmp_path, toys.settings(schedule=LONG, specaugment=PLAIN), toys.data(tmp_path))
    assert result.best["val"]["score_strict"] > 85
    assert result.history[-1]["train_loss"] < 0.75 * result.history[0]["train_loss"]
    assert [row["epoch"] for row in result.history] == list(range(1, 13))
    assert result.history[0]["lr"] == pytest.approx(0.01)


def test_it_learns_from_soft_labels_alone(tmp_path):
    data = toys.data(tmp_path)
    soft = np.full((70, 1, 4), 0.05, dtype=np.float32)
    soft[np.arange(70), 0, data.train.labels] = 0.85
    wrong = np.zeros(70, dtype=np.int64)  # all hard labels say normal: they play no part
    train_part = dataclasses.replace(data.train, labels=wrong, soft=soft)
    settings = toys.settings(schedule=LONG, specaugment=PLAIN, sampler="shuffle")
    result = train(tmp_path, settings, dataclasses.replace(data, train=train_part), objective=SoftLabels())
    assert result.best["val"]["score_strict"] > 85


@pytest.mark.parametrize("train_cycles", [70, 40], ids=["more steps than are recorded", "fewer"])
def test_the_first_losses_are_those_of_the_whole_training(tmp_path, train_cycles):
    data = toys.data(tmp_path, train=train_cycles)
    settings = toys.settings(optimizer=toys.optimizer(name="sam"), schedule=LONG)
    whole = train(tmp_path, settings, data)
    given = toys.network(), CrossEntropy(0.1, None), settings, data
    assert first_losses(*given, seed=1, compute=toys.CPU) == whole.first_losses
    assert len(whole.first_losses) == min(FIRST_STEPS, train_cycles // settings.batch_size)
    if train_cycles == 40:
        assert np.mean(whole.first_losses) == pytest.approx(whole.history[0]["train_loss"])
    given = toys.network(), CrossEntropy(0.1, None), settings, data
    assert first_losses(*given, seed=2, compute=toys.CPU) != whole.first_losses


def test_features_from_memory_and_from_disk_train_the_same_network(tmp_path):
    data, compute = toys.data(tmp_path), dataclasses.replace(toys.CPU, cache_gb=0.0)
    held = train(tmp_path / "a", toys.settings(), data)
    assert same(held, train(tmp_path / "b", toys.settings(), data, compute=compute))


WEIGHTS = torch.tensor([0.05, 0.15, 0.3, 0.5])


@pytest.mark.parametrize(
    ("size", "weights"), [(3, None), (3, WEIGHTS), (1, WEIGHTS)], ids=["plain", "weighted", "weighted one by one"]
)
def test_micro_batches_train_the_same_network_as_whole_batches(tmp_path, size, weights):
    data, result = toys.data(tmp_path), []
    for cut in (None, size):  # 3, 3 and 2 of 8
        settings = parallel.settings(micro_batch=cut, sampler="shuffle")
        torch.manual_seed(0)
        objective = CrossEntropy(0.1, weights)
        result.append(train(tmp_path / str(cut), settings, data, network=parallel.Normed(), objective=objective))
    whole, cut = result
    np.testing.assert_allclose(parallel.state(cut), parallel.state(whole), atol=1e-6)
    losses = [[row["train_loss"] for row in one.history] for one in result]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


@pytest.mark.slow
def test_soft_label_candidates_are_drawn_at_random(tmp_path):
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


@pytest.mark.slow  # traces three graphs; Inductor compiles them as well, about 20 s each on a busy core
@pytest.mark.parametrize("backend", ["eager", pytest.param("inductor", marks=pytest.mark.long)])
def test_a_compiled_loss_trains_the_same_network(tmp_path, monkeypatch, backend):
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=backend))
    data, compute = toys.data(tmp_path), dataclasses.replace(toys.CPU, compile=True)
    torch.manual_seed(0)
    eager = train(tmp_path / "a", parallel.settings(), data, network=parallel.Normed())
    torch.manual_seed(0)
    compiled = train(tmp_path / "b", parallel.settings(), data, network=parallel.Normed(), compute=compute)
    np.testing.assert_allclose(parallel.state(compiled), parallel.state(eager), atol=1e-4)
    assert list(compiled.states["val"]) == list(eager.states["val"]), "names without the prefix of a compiled network"


def test_global_random_state_and_initial_mode_do_not_matter(tmp_path):
    data, one, two = toys.data(tmp_path), toys.network(), toys.network().eval()
    torch.manual_seed(8)
    first = train(tmp_path / "a", toys.settings(), data, network=one)
    torch.manual_seed(9)
    assert same(first, train(tmp_path / "b", toys.settings(), data, network=two))


def test_other_seeds_give_other_networks(tmp_path):
    data = toys.data(tmp_path)
    arguments = (CrossEntropy(0.1, None), toys.settings(), data)
    one, two = (
        fit(toys.network(), *arguments, seed=seed, compute=toys.CPU, checkpoint=tmp_path / str(seed)) for seed in (1, 2)
    )
    assert not same(one, two)


def test_too_few_cycles_for_a_batch_are_refused(tmp_path):
    with pytest.raises(ValueError, match="70 training cycles do not fill one batch of 71"):
        train(tmp_path, toys.settings(batch_size=71), toys.data(tmp_path))


def test_divergence_stops_the_training(tmp_path):
    data = toys.data(tmp_path)
    wild = toys.settings(optimizer=toys.optimizer(lr=1e30), specaugment=PLAIN)
    with pytest.raises(FloatingPointError, match="diverged in epoch 1"):
        train(tmp_path, wild, data)


PATCHMIX = ObjectiveSettings(name="patchmix_cl", class_weights="balanced", patchmix=PatchMixSettings(projection=12))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("optimizer", ["adamw", "sam", "look_sam", "momentum_sam"])
def test_no_step_waits_for_the_gpu(tmp_path, optimizer):
    device, data = torch.device("cuda"), toys.data(tmp_path)
    chosen = toys.settings(
        objective=PATCHMIX,
        optimizer=toys.optimizer(name=optimizer, clip_norm=1.0),
        moving_average=MovingAverageSettings(kind="ema", decay=0.9),
        micro_batch=4,
    )
    network = parallel.Patches().to(device)
    objective = create(chosen.objective, data.train.labels, data.classes, network).to(device)
    context = autocast(ComputeSettings(device="cuda", precision="auto", threads=1), device)
    batches, steps = toys.steps(chosen, data, network, objective, device=device, context=context)
    losses = []
    with data.features.on_device(data.rows, device, gigabytes=1.0):
        epoch = batches.epoch(1)
        losses.append(steps.take(next(epoch)))  # makes what later steps find: the optimiser's state, kernels
        torch.cuda.set_sync_debug_mode("error")
        try:
            losses += [steps.take(batch) for batch in epoch]
        finally:
            torch.cuda.set_sync_debug_mode("default")
    assert np.isfinite([float(loss) for loss in losses]).all()
