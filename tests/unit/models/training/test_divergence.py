"""A training that diverges: the message names epoch, step and cycles, and the checkpoint before it stays."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models.training import checkpoint
from models.training.batches import Batches
from models.training.divergence import DivergenceError, describe_cycles
from models.training.selection import TrainingData
from tests.unit.models.training import multi_process as parallel
from tests.unit.models.training import toys
from tests.unit.models.training.toys import train


class Failing(parallel.Normed):
    """Network whose loss, or whose gradient alone, is not a number from some call in training on."""

    def __init__(self, call: int, what: str) -> None:
        super().__init__()
        self.call, self.what, self.calls = call, what, 0

    def embed(self, features: Tensor) -> Tensor:
        embedded = super().embed(features)
        self.calls += self.training
        if self.calls > self.call and self.training:
            if self.what == "loss":
                return embedded * torch.nan
            embedded.register_hook(lambda gradient: gradient * torch.inf)
        return embedded


def failing(folder: Path, call: int, what: str = "loss", **given: Any) -> tuple[DivergenceError, TrainingData]:
    torch.manual_seed(0)
    data, settings, network = toys.data(folder), toys.settings(specaugment=toys.PLAIN), Failing(call, what)
    with pytest.raises(DivergenceError) as found:
        train(folder, settings, data, network=network, **given)
    return found.value, data


@pytest.mark.parametrize(
    ("what", "said"),
    [("loss", "the loss is nan, for"), ("gradient", "the norm of the gradient is nan, with a loss of")],
)
def test_the_batch_is_named_and_the_last_good_epoch_is_kept(tmp_path, monkeypatch, what, said):
    drawn = {}

    def positions(self: Batches, epoch: int, true=Batches.positions) -> np.ndarray:
        return drawn.setdefault(epoch, true(self, epoch))

    monkeypatch.setattr(Batches, "positions", positions)
    error, data = failing(tmp_path, call=8 + 2, what=what)
    ids = {row: cycle for cycle, row in data.features.rows.items()}
    batch = [ids[row] for row in data.train.rows[drawn[2][2]].tolist()]
    assert str(error).startswith(f"The training diverged in epoch 2, step 3: {said}")
    assert f"for the batch of {describe_cycles(batch)}." in str(error)
    assert (error.epoch, error.inputs) == (2, None)
    path, faults = checkpoint.find(tmp_path / "checkpoint")
    state = checkpoint.read(path)
    assert ([row["epoch"] for row in state["result"]["history"]], faults) == ([1], [])
    assert all(tensor.isfinite().all() for tensor in state["result"]["states"]["val"].values())


def test_no_checkpoint_of_a_diverged_step_is_written(tmp_path):
    failing(tmp_path, call=2, save_every=0.0)
    state = checkpoint.read(checkpoint.find(tmp_path / "checkpoint")[0])
    assert state["position"]["step"] == 2
    assert state["position"]["loss"].isfinite()


@pytest.mark.parametrize("row", [3, 75], ids=["training", "validation"])
def test_features_that_are_not_finite_are_named_as_the_cause(tmp_path, row):
    data = toys.data(tmp_path)
    data.features._array.single[row, 2, 5] = np.inf
    cycle = next(cycle for cycle, place in data.features.rows.items() if place == row)
    with pytest.raises(DivergenceError) as found:
        train(tmp_path, toys.settings(sampler="shuffle"), data)
    assert f"The features of 1 cycle ({cycle}) are not finite." in str(found.value)
    assert (found.value.epoch, found.value.inputs) == (1, "features")


def test_a_list_of_cycles_is_short():
    assert describe_cycles(["a"]) == "1 cycle (a)"
    assert describe_cycles([*"abca", "d", "e"]) == "5 cycles (a, b, c and 2 more)"
