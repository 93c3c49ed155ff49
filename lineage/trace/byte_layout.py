"""Where things lie: the files of a recording, frames in the bytes of a wav, rows in those of an array."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.artifacts import RAW_AUDIO


def recording(path: str) -> str | None:
    """Return the `recording_id` whose wav file or annotation a path would be, or none of another path."""
    file = Path(path)
    return file.stem if file.parent == RAW_AUDIO and file.suffix in (".wav", ".txt") else None


@dataclass(frozen=True)
class Wav:
    """The layout of a RIFF file.

    Attributes:
        start: The byte at which its samples begin.
        frame: Bytes of one frame, of all channels.
    """

    start: int
    frame: int


def wav(path: Path) -> Wav | None:
    """Return where the samples of a wav file lie, or none of another container (Multimedia Programming Interface 1.0).

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
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


def frames(start_s: float, end_s: float, rate: int, count: int) -> tuple[int, int]:
    """Return the first frame of a cycle and the one after its last, as `extract` cuts them at the file's own rate.

    Args:
        start_s: Begin in seconds.
        end_s: End in seconds.
        rate: Of the recording, in Hz.
        count: Frames of the recording.
    """
    first = min(max(int(start_s * rate), 0), count)
    return first, min(max(int(end_s * rate), first), count)


@dataclass(frozen=True)
class Array:
    """The layout of an .npy file.

    Attributes:
        start: The byte at which its values begin.
        row: Bytes of one row.
        shape: Of the array.
    """

    start: int
    row: int
    shape: tuple[int, ...]


def array(path: Path) -> Array:
    """Return where the rows of an .npy file in C order lie.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no such file.
    """
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(mapped, np.memmap) or not mapped.flags.c_contiguous:
        raise ValueError(f"{path} is no array in C order.")
    return Array(int(mapped.offset), int(mapped[:1].nbytes), tuple(mapped.shape))
