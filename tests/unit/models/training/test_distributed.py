"""Trainings in two processes on a CPU against the same trainings in one process."""

import dataclasses
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.training import checkpoint
from models.training.augmentation_settings import FreqMixStyleSettings
from models.training.distributed import JoinError, ProcessGroup, check_processes, process_group
from models.training.registry import create
from models.training.selection import TrainingResult
from models.training.settings import ComputeSettings, ObjectiveSettings, PatchMixSettings
from tasks.runtime.errors import BreathlineError
from tasks.training.processes import launch
from tests.unit.models.training import multi_process as parallel
from tests.unit.models.training import toys

TOLERANCE = 1e-5  # of losses and weights after 24 steps: sums of gradients in another order


@pytest.fixture
def folder(tmp_path: Path, data: object) -> Path:
    return tmp_path  # its data are written once, before several processes look for them


PATCHMIX = ObjectiveSettings(name="patchmix_cl", patchmix=PatchMixSettings(projection=12))
WEIGHTED = ObjectiveSettings(name="cross_entropy", label_smoothing=0.1, class_weights="balanced")
MIXED = {"objective": WEIGHTED, "freq_mixstyle": FreqMixStyleSettings(probability=0.5)}
CASES = {
    # Class weights, SAM, clipping, an average, and cycles mixed with those of the other share. Of a share of 4 cycles
    # there are micro-batches of 3 and 1.
    "cross_entropy": (parallel.settings(**MIXED, micro_batch=3), parallel.settings(**MIXED)),
    # Clips are mixed and compared within a share, as in a micro-batch of that size.
    "patchmix_cl": (parallel.settings(objective=PATCHMIX), parallel.settings(objective=PATCHMIX, micro_batch=4)),
}


@pytest.mark.slow  # starts processes that import torch, about 10 s each
@pytest.mark.parametrize("case", [pytest.param("cross_entropy", marks=pytest.mark.long), "patchmix_cl"])
def test_two_processes_train_the_same_network_as_one(folder, case):
    settings, settings_alone = CASES[case]
    launch(partial(parallel.train_and_write, folder, settings), parallel.TWO)
    first, second = (TrainingResult(**torch.load(folder / f"{rank}.pt", weights_only=True)) for rank in (0, 1))
    (folder / "checkpoint").rename(folder / "that of two")
    alone = parallel.train(folder, settings=settings_alone)
    losses = [[row["train_loss"] for row in result.history] for result in (first, alone)]
    assert losses[0] == pytest.approx(losses[1], abs=TOLERANCE)
    np.testing.assert_allclose(parallel.state(first), parallel.state(alone), atol=TOLERANCE)
    assert second.history == first.history
    assert second.best == first.best, "all processes know the best epoch"
    assert not second.states, "only the main process stores the network"


@pytest.mark.long  # starts processes that import torch, about 15 s
@pytest.mark.parametrize(
    ("moment", "message"),
    [("val", "the evaluation failed"), ("train", "was killed by SIGKILL")],
)
def test_a_failing_process_ends_all(folder, moment, message):
    started = time.monotonic()
    with pytest.raises(BreathlineError, match=message):
        launch(partial(parallel.interrupt_main_process, folder, moment), parallel.TWO)
    assert time.monotonic() - started < 120, "no process waits for an ended one"
    assert checkpoint.find(folder / "checkpoint")[0] is not None
    resumed = parallel.train(folder)  # by another number of processes, too
    (folder / "checkpoint").rename(folder / "that of two")
    np.testing.assert_allclose(parallel.state(resumed), parallel.state(parallel.train(folder)), atol=TOLERANCE)


@pytest.mark.slow
def test_a_process_that_does_not_come_is_named(tmp_path):
    address, wait = (tmp_path / "rendezvous").as_uri(), timedelta(seconds=0.3)
    with (
        pytest.raises(JoinError, match=r"2 of 3 processes of the training did not come within 0\.3 s: rank 0, 2"),
        process_group(parallel.TWO, rank=1, size=3, init_method=address, join_timeout=wait),
    ):
        pass


def test_batches_that_cannot_be_shared_are_refused(folder):
    with pytest.raises(ValueError, match="3 processes cannot share batches of 8 cycles equally"):
        parallel.train(folder, ProcessGroup(rank=0, size=3))


def test_batchnorm_is_synchronised_on_gpus():
    network = toys.network()
    objective = create(PATCHMIX, np.arange(4), 4, parallel.Patches())
    cuda, kinds = torch.device("cuda"), []
    for group in (ProcessGroup(0, 1), ProcessGroup(0, 2)):
        group.synchronise_batch_norm(network, objective, device=cuda)
        layers = [*network.modules(), *objective.modules()]
        kinds.append([type(layer) for layer in layers if isinstance(layer, nn.modules.batchnorm._BatchNorm)])
    assert kinds == [[nn.BatchNorm2d, nn.BatchNorm1d], [nn.SyncBatchNorm, nn.SyncBatchNorm]]


def test_each_process_needs_a_gpu(monkeypatch):
    compute = ComputeSettings(device="auto", precision="auto", threads=1, processes=4)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match="processes is 4, and torch finds 2 GPUs"):
        check_processes(compute)
    check_processes(dataclasses.replace(compute, device="cpu"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    check_processes(compute)
