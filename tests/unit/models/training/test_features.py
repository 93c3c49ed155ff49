"""The memory-mapped cache and the logits of its rows."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from models.training.features import Features
from models.training.inference import BATCH, autocast, pick_device, predict
from models.training.settings import ComputeSettings
from tests.unit.models.training.toys import CPU, FRAMES, MELS, network, write_cache

DEVICE = torch.device("cpu")


@pytest.fixture
def cache(tmp_path: Path) -> Features:
    write_cache(tmp_path / "toy", np.arange(BATCH + 9) % 4)
    return Features(tmp_path / "toy")


def test_a_batch_holds_the_rows_in_float32(cache):
    stored = np.load(cache.directory / "features.npy")
    rows = np.array([5, 0, 5])
    batch = cache.batch(rows, DEVICE)
    assert (cache.frontend, cache.frames, cache.mels, batch.dtype) == ("toy", FRAMES, MELS, torch.float32)
    assert np.array_equal(batch.numpy(), stored[rows].astype(np.float32))
    batch.zero_()
    assert np.array_equal(np.load(cache.directory / "features.npy"), stored)


def test_missing_cycles_are_named(cache):
    first, last = next(iter(cache.rows)), list(cache.rows)[-1]
    assert cache.find([last, first]).tolist() == [len(cache.rows) - 1, 0]
    with pytest.raises(ValueError, match=r"no features of 1 cycles, such as 999_"):
        cache.find([first, "999_1b1_Al_sc_Meditron_000"])
    with pytest.raises(ValueError, match=r"features\.npy: the file is missing"):
        Features(cache.directory / "none")


def test_features_of_another_shape_than_the_model_learned_from_are_refused(cache):
    cache.check_shape(FRAMES, MELS)
    with pytest.raises(ValueError, match=rf"features\.npy.*{FRAMES} × {MELS} values.*trained on 98 × {MELS}"):
        cache.check_shape(98, MELS)


def test_logits_are_those_of_the_network_in_evaluation_mode(cache):
    net, rows, done = network(), np.arange(len(cache.rows))[::-1].copy(), []
    logits = predict(net, cache, rows, compute=CPU, on_batch=done.append)
    assert done == [BATCH, 9]
    assert net.training, "the mode is restored"
    with torch.no_grad():
        expected = net.eval()(cache.batch(rows, DEVICE))
    torch.testing.assert_close(torch.from_numpy(logits), expected)


@pytest.mark.parametrize("gigabytes", [0.0, 4.0])
def test_batches_are_equal_from_memory_and_from_disk(cache, gigabytes):
    random = np.random.default_rng(2)
    orders = [random.integers(0, 9, size) for size in (4, 4, 1, 7, 4, 4)]  # more than are read ahead
    with cache.on_device(np.arange(9), DEVICE, gigabytes=gigabytes):
        batches = list(cache.batches(iter(orders), DEVICE))
        predicted = predict(network(), cache, np.arange(9), compute=CPU)
    assert len(batches) == len(orders)
    assert all(torch.equal(batch, cache.batch(rows, DEVICE)) for rows, batch in zip(orders, batches, strict=True))
    assert np.array_equal(predicted, predict(network(), cache, np.arange(9), compute=CPU))


def test_read_ahead_stops_with_its_reader_and_raises_its_errors(cache):
    threads = set(threading.enumerate())  # some of earlier tests may end meanwhile
    batches = cache.batches([np.array([0])] * 50, DEVICE)
    next(batches)
    assert len(set(threading.enumerate()) - threads) == 1
    batches.close()
    assert set(threading.enumerate()) <= threads
    with pytest.raises(IndexError, match="out of bounds"):
        list(cache.batches([np.array([0]), np.array([10**6])], DEVICE))
    assert set(threading.enumerate()) <= threads


def test_an_older_cache_has_the_default_clip_settings(cache):
    whole = {"duration_s": 2.0, "pad": "zero", "fade": False}
    for told, expected in (({}, {"pad": "repeat", "fade": True}), (whole, whole)):
        (cache.directory / "statistics.json").write_text(json.dumps({"frontend": "toy", "duration_s": 2.0} | told))
        assert Features(cache.directory).clip_settings == {"duration_s": 2.0} | expected


def test_bf16_is_automatic_only_on_a_gpu():
    def inside(precision: str) -> bool:
        with autocast(ComputeSettings(device="auto", precision=precision, threads=1), DEVICE)():
            return torch.is_autocast_enabled("cpu")

    assert [inside(precision) for precision in ("auto", "fp32", "bf16")] == [False, False, True]


def test_a_missing_cuda_device_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="no CUDA device"):
        pick_device(ComputeSettings(device="cuda", precision="auto", threads=1))
    assert pick_device(ComputeSettings(device="auto", precision="auto", threads=1)).type == "cpu"
