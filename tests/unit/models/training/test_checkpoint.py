"""Checkpoints: fingerprint, atomic writing and times of writing."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from models.training import checkpoint
from models.training.checkpoint import CheckpointError
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
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["training.pt"], "the disk has its space again"
    path, _ = checkpoint.find(tmp_path / "c")
    assert checkpoint.read(path)["epoch"] == 1
    checkpoint.remove(tmp_path / "c")
    assert checkpoint.find(tmp_path / "c") == (None, [])
    assert list(tmp_path.iterdir()) == []


def test_every_changed_byte_and_every_missing_byte_is_found(tmp_path):
    checkpoint.write(tmp_path / "c", {"epoch": 1, "tensor": torch.ones(3)})
    path = tmp_path / "c" / "training.pt"
    whole = path.read_bytes()
    # The last bytes hold the checksum itself.
    for place in [*range(0, len(whole) - 150, 37), *range(len(whole) - 150, len(whole) - 1)]:
        changed = bytearray(whole)
        changed[place] ^= 1
        for damaged in (bytes(changed), whole[:place]):
            path.write_bytes(damaged)
            with pytest.raises(CheckpointError):
                checkpoint.check(path)
    path.write_bytes(whole)
    checkpoint.check(path)


def test_a_kill_between_the_two_renames_leaves_the_one_before(tmp_path, monkeypatch):
    checkpoint.write(tmp_path / "c", {"epoch": 1})

    def killed(source: Path, target: Path, rename: Callable[[Path, Path], None] = os.replace) -> None:
        if target.name == "training.pt":
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.write(tmp_path / "c", {"epoch": 2})
    path, faults = checkpoint.find(tmp_path / "c")
    assert (checkpoint.read(path)["epoch"], faults) == (1, [])


@pytest.mark.parametrize(("takes", "pause"), [(1.0, 60), (30.0, 600)])
def test_checkpoints_take_at_most_5_percent_of_the_time(tmp_path, monkeypatch, takes, pause):
    now, written = 0.0, []

    def write(folder: Path, state: object) -> None:
        nonlocal now
        now += takes
        written.append(now)

    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(checkpoint, "write", write)
    checkpointer = Checkpointer(
        tmp_path, {}, TrainingResult({}, {}, [], []), Position(loss=torch.zeros(())), every=60.0
    )
    for second in range(1, 62 + pause + round(takes)):
        now = max(now, float(second))
        if checkpointer.is_due:
            checkpointer.write()
    assert written == [60 + takes, 60 + takes + pause + takes]
