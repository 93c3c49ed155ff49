"""Training checkpoints: written atomically, with a checksum, beside the one before.

A checkpoint is a file of `torch.save` and one more line, its seal: the training to which it belongs, and the SHA-256 of
all bytes before it. Nothing is deserialised before the seal is verified.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

FILE = "training.pt"
PREVIOUS = "training.previous.pt"
SEAL_BYTES = 4096  # more than a seal has
BLOCK_BYTES = 1 << 20


class CheckpointError(ValueError):
    """A checkpoint is damaged, or belongs to another training."""


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
    """Write a checkpoint of tensors and plain values, and keep the one before.

    The name of the folder is the name of the training. A crash at any moment leaves a complete checkpoint.

    Raises:
        OSError: The file cannot be written; the checkpoints that exist stay.
    """
    directory.mkdir(parents=True, exist_ok=True)
    temporary, newest = directory / f".{FILE}", directory / FILE
    try:
        with temporary.open("w+b") as file:
            torch.save(state, file)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            seal = json.dumps({"training": directory.name, "sha256": digest})
            file.write(f"\n{seal}\n".encode())
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if newest.exists():
        os.replace(newest, directory / PREVIOUS)
    os.replace(temporary, newest)
    _sync(directory)


def find(directory: Path) -> tuple[Path | None, list[CheckpointError]]:
    """Return the newest intact checkpoint of a training, and the faults of damaged ones, which are removed.

    Args:
        directory: Folder of the checkpoints, named as the training.
    """
    faults = []
    for path in (directory / FILE, directory / PREVIOUS):
        if not path.exists():
            continue
        try:
            check(path)
        except CheckpointError as error:
            faults.append(error)
            path.unlink()  # the next write would otherwise keep it in place of an intact one
        else:
            return path, faults
    return None, faults


def check(path: Path) -> None:
    """Check that a checkpoint is complete and unchanged, and belongs to the training of its folder.

    Raises:
        CheckpointError: The checkpoint is damaged, or belongs to another training.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - SEAL_BYTES))
        seal_line = file.read().rpartition(b"\n")[0].rpartition(b"\n")[2]
        try:
            seal = json.loads(seal_line)
            training, digest = str(seal["training"]), str(seal["sha256"])
        except (ValueError, KeyError, TypeError) as error:
            found = f"has {size:,} bytes without a checksum: it was cut off or overwritten" if size else "is empty"
            raise CheckpointError(f"The checkpoint {path} {found}.") from error
        if training != path.parent.name:
            raise CheckpointError(f"The checkpoint {path} belongs to another training ({training}).")
        if _sha256(file, size - len(seal_line) - 2) != digest:
            raise CheckpointError(f"The checkpoint {path} was changed: its {size:,} bytes do not have their checksum.")


def read(path: Path) -> dict[str, Any]:
    """Return the state of a checkpoint that `find` has found intact."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def remove(directory: Path) -> None:
    """Remove the checkpoints of a finished training."""
    shutil.rmtree(directory, ignore_errors=True)


def _sha256(file: BinaryIO, size: int) -> str:
    """Return the SHA-256 of the first bytes of a file."""
    file.seek(0)
    hashed = hashlib.sha256()
    while size > 0 and (block := file.read(min(size, BLOCK_BYTES))):
        hashed.update(block)
        size -= len(block)
    return hashed.hexdigest()


def _sync(directory: Path) -> None:
    """Write the names of a folder to the disk, on systems that can."""
    with suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
