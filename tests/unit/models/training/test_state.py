"""Times at which checkpoints are written."""

import time
from pathlib import Path

import pytest
import torch

from models.training import checkpoint
from models.training.selection import TrainingResult
from models.training.state import Checkpointer, Position


@pytest.mark.parametrize(("takes", "pause"), [(1.0, 60), (30.0, 600)])
def test_checkpoints_take_at_most_5_percent_of_the_time(tmp_path, monkeypatch, takes, pause):
    now, written = 0.0, []

    def write(folder: Path, state: object) -> None:
        nonlocal now
        now += takes
        written.append(now)

    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(checkpoint, "write", write)
    checkpointer = Checkpointer(tmp_path, {}, TrainingResult({}, {}, []), Position(loss=torch.zeros(())), every=60.0)
    for second in range(1, 62 + pause + round(takes)):
        now = max(now, float(second))
        checkpointer.write_if_due()
    assert written == [60 + takes, 60 + takes + pause + takes]
