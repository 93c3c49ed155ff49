"""Checkpoints: fingerprint, atomic writing and times of writing."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from models.training import checkpoint
from models.training.selection import TrainingResult
from models.training.state import Checkpointer, Position


def test_the_fingerprint_depends_on_every_value_and_file(tmp_path):
    file = tmp_path / "features.npy"
    file.write_bytes(b"one")
    soft = np.ones((2, 2), dtype=np.float32)
    seen = [
        checkpoint.fingerprint([{"a": 1, "b": 2}, soft], [file]),
        checkpoint.fingerprint([{"a": 2, "b": 2}, soft], [file]),
        checkpoint.fingerprint([{"a": 1, "b": 2}, 2 * soft], [file]),
        checkpoint.fingerprint([{"a": 1, "b": 2}, None], [file]),
        checkpoint.fingerprint([{"a": 1, "b": 2}, soft], [tmp_path / "absent"]),
    ]
    assert checkpoint.fingerprint([{"b": 2, "a": 1}, soft.copy()], [file]) == seen[0]
    file.write_bytes(b"two")
    seen.append(checkpoint.fingerprint([{"a": 1, "b": 2}, soft], [file]))
    assert len(set(seen)) == len(seen)


def test_a_failed_write_keeps_the_previous_checkpoint(tmp_path, monkeypatch):
    checkpoint.write(tmp_path / "c", {"epoch": 1, "tensor": torch.ones(3)})

    def broken(state: dict[str, object], file: object) -> None:
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", broken)
    with pytest.raises(OSError, match="No space"):
        checkpoint.write(tmp_path / "c", {"epoch": 2})
    assert checkpoint.read(tmp_path / "c")["epoch"] == 1
    checkpoint.remove(tmp_path / "c")
    assert checkpoint.read(tmp_path / "c") is None
    assert list(tmp_path.iterdir()) == []


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
