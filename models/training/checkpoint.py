"""Where an interrupted training goes on: one file beside the outs, whole or absent."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import torch

FILE = "training.pt"


def write(directory: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint of tensors and plain values in place of the one before."""
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / f".{FILE}"
    torch.save(state, temporary)
    os.replace(temporary, directory / FILE)


def read(directory: Path) -> dict[str, Any] | None:
    """Return the checkpoint, or none where there is none."""
    file = directory / FILE
    if not file.exists():
        return None
    state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return state


def remove(directory: Path) -> None:
    """Remove a checkpoint whose training is done."""
    shutil.rmtree(directory, ignore_errors=True)
