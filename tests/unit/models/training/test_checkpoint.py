"""Checkpoints: fingerprint and atomic writing."""

import json

import numpy as np
import pytest
import torch

from models.training import checkpoint


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
    state = checkpoint.read(tmp_path / "c")
    assert state is not None
    assert state["epoch"] == 1
    checkpoint.remove(tmp_path / "c")
    assert checkpoint.read(tmp_path / "c") is None
    assert json.dumps(list(map(str, tmp_path.iterdir()))) == "[]"
