"""Training checkpoints, written atomically."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

FILE = "training.pt"


def fingerprint(values: Iterable[Any], inputs: Iterable[Path]) -> str:
    """Return a hash of everything that a training depends on; equal trainings have equal hashes.

    Args:
        values: Settings and other values that JSON can hold, and arrays.
        inputs: Files that are hashed by content; a missing file is hashed as missing.
    """
    parts = [b"torch " + torch.__version__.encode()]
    for value in values:
        plain = value.tobytes() if isinstance(value, np.ndarray) else json.dumps(value, sort_keys=True).encode()
        parts.append(hashlib.sha256(plain).digest())
    for path in inputs:
        if path.exists():
            with path.open("rb") as file:
                parts.append(hashlib.file_digest(file, "sha256").digest())
        else:
            parts.append(b"absent")
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:24]


def write(directory: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint of tensors and plain values, replacing the previous one."""
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / f".{FILE}"
    with temporary.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, directory / FILE)


def read(directory: Path) -> dict[str, Any] | None:
    """Return the checkpoint of a folder, or none if it has none."""
    file = directory / FILE
    if not file.exists():
        return None
    state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return state


def remove(directory: Path) -> None:
    """Remove the checkpoint of a finished training."""
    shutil.rmtree(directory, ignore_errors=True)
