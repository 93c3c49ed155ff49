"""Toy data, and one thread for tiny networks, which are slower with several."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from models.training.selection import TrainingData
from tests.unit.models.training import toys


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def data(tmp_path: Path) -> TrainingData:
    return toys.data(tmp_path)
