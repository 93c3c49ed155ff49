"""Trainings in two processes on a CPU, against the same ones in one process."""

from __future__ import annotations

import dataclasses
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.training import checkpoint
from models.training.distributed import ProcessGroup, check_processes, launch
from models.training.registry import create
from models.training.selection import TrainingResult
from models.training.settings import ComputeSettings, ObjectiveSettings, PatchMixSettings
from tests.unit.models.training import together, toys

TOLERANCE = 1e-5  # of losses and weights after 24 steps: sums of gradients in another order


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    toys.data(tmp_path)  # written once, before several processes look for it
    return tmp_path


PATCHMIX = ObjectiveSettings(name="patchmix_cl", patchmix=PatchMixSettings(projection=12))
WEIGHTED = ObjectiveSettings(name="cross_entropy", label_smoothing=0.1, class_weights="balanced")
CASES = {
    # Class weights, SAM, clipping and an average. Of a share of 4 cycles there are micro-batches of 3 and 1.
    "cross_entropy": (together.settings(objective=WEIGHTED, micro_batch=3), together.settings(objective=WEIGHTED)),
    # Clips are mixed and compared within a share, as in a micro-batch of that size.
    "patchmix_cl": (together.settings(objective=PATCHMIX), together.settings(objective=PATCHMIX, micro_batch=4)),
}


# Each starts processes that import torch, about 15 s.
@pytest.mark.parametrize("case", ["cross_entropy", pytest.param("patchmix_cl", marks=pytest.mark.slow)])
def test_two_processes_train_what_one_trains(folder: Path, case: str) -> None:
    settings, settings_alone = CASES[case]
    launch(partial(together.train_and_write, folder, settings), together.TWO)
    first, second = (TrainingResult(**torch.load(folder / f"{rank}.pt", weights_only=True)) for rank in (0, 1))
    (folder / "checkpoint").rename(folder / "that of two")
    alone = together.train(folder, settings=settings_alone)
    losses = [[row["train_loss"] for row in fitted.history] for fitted in (first, alone)]
    assert losses[0] == pytest.approx(losses[1], abs=TOLERANCE)
    np.testing.assert_allclose(together.state(first), together.state(alone), atol=TOLERANCE)
    assert second.history == first.history
    assert second.best == first.best, "when to stop, all know"
    assert not second.states, "the first one keeps"


@pytest.mark.slow  # starts processes that import torch, about 15 s
@pytest.mark.parametrize(("moment", "message"), [("val", "the judge is ill"), ("train", "signal SIGKILL")])
def test_if_one_process_ends_badly_all_end(folder: Path, moment: str, message: str) -> None:
    started = time.monotonic()
    with pytest.raises(RuntimeError, match=message):
        launch(partial(together.interrupt_the_first, folder, moment), together.TWO)
    assert time.monotonic() - started < 60, "nobody waits for the dead"
    kept = checkpoint.read(folder / "checkpoint")
    assert kept is not None
    resumed = together.train(folder)  # by another number of processes, too
    (folder / "checkpoint").rename(folder / "that of two")
    np.testing.assert_allclose(together.state(resumed), together.state(together.train(folder)), atol=TOLERANCE)


def test_batches_that_cannot_be_shared_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="3 processes cannot share batches of 8 cycles equally"):
        together.train(folder, ProcessGroup(rank=0, size=3))


def test_on_gpus_every_batchnorm_sees_whole_batches_that_of_the_projector_too() -> None:
    network = toys.network()
    objective = create(PATCHMIX, np.arange(4), 4, together.Patches())
    cuda, kinds = torch.device("cuda"), []
    for group in (ProcessGroup(0, 1), ProcessGroup(0, 2)):
        group.synchronise_batch_norm(network, objective, device=cuda)
        layers = [*network.modules(), *objective.modules()]
        kinds.append([type(layer) for layer in layers if isinstance(layer, nn.modules.batchnorm._BatchNorm)])
    assert kinds == [[nn.BatchNorm2d, nn.BatchNorm1d], [nn.SyncBatchNorm, nn.SyncBatchNorm]]


def test_every_process_needs_a_gpu_where_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    compute = ComputeSettings(device="auto", precision="auto", threads=1, processes=4)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match="processes is 4, and torch finds 2 GPUs"):
        check_processes(compute)
    check_processes(dataclasses.replace(compute, device="cpu"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    check_processes(compute)
