"""Byte layout of wav files and arrays."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.file_reading import UnreadableFileError, reading
from tasks.runtime.artifact_reading import as_artifact_error


@dataclass(frozen=True)
class Wav:
    """Layout of a RIFF file."""

    start: int  # offset of the samples in bytes
    frame: int  # size in bytes of one frame of all channels


def wav(path: Path) -> Wav | None:
    """Return the layout of a wav file, or None for another container (Multimedia Programming Interface 1.0).

    Raises:
        BreathlineError: The file is missing, or ends within its header.
    """
    with as_artifact_error(), reading(path, "wav"), path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return None
        file.seek(12)
        frame = 0
        while len(header := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", header)
            if name == b"data":
                return Wav(file.tell(), frame) if frame else None
            if name == b"fmt ":
                frame = int(struct.unpack_from("<H", file.read(length), 12)[0])
                file.seek(length % 2, 1)
            else:
                file.seek(length + length % 2, 1)
    return None


@dataclass(frozen=True)
class Array:
    """Layout of an .npy file."""

    start: int  # offset of the values in bytes
    row: int  # size of one row in bytes
    shape: tuple[int, ...]  # shape of the array


def array(path: Path) -> Array:
    """Return the layout of an .npy file in C order.

    Raises:
        BreathlineError: The file is missing or damaged, or is not an array in C order.
    """
    with as_artifact_error(), reading(path, ".npy"):
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(mapped, np.memmap) or not mapped.flags.c_contiguous:
            raise UnreadableFileError(path, "this is not an array in C order")
    return Array(int(mapped.offset), int(mapped[:1].nbytes), tuple(mapped.shape))
