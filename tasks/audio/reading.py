"""Wav files of any depth and rate into samples, or a clear error."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from tasks.runtime.errors import BreathlineError

_FLOATS = {"FLOAT": "float32", "DOUBLE": "float64"}
_BIT_DEPTHS = {"PCM_U8": 8, "PCM_S8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64}
_STREAMED = {0, 0xFFFFFFFF}  # what writers that cannot seek leave as a chunk's size


@dataclass(frozen=True, kw_only=True)
class Audio:
    """A recording as it was stored.

    `samples` is (frames, channels): int32 for every integer depth, left-justified, so that full scale is 2³¹ and the
    same recording at another depth has the same samples; float32 or float64 where the file holds floats, full scale 1.
    `rate` is in Hz; `bit_depth` is None for encodings that have none.
    """

    samples: npt.NDArray[Any]
    rate: int
    subtype: str
    bit_depth: int | None

    def normalised(self) -> npt.NDArray[np.float32]:
        """Return the samples as (frames, channels) float32 with full scale at 1."""
        if self.samples.dtype == np.int32:
            return self.samples.astype(np.float32) * np.float32(2.0**-31)
        return self.samples.astype(np.float32)


def read(path: Path) -> Audio:
    """Return the audio of a wav file.

    Raises:
        BreathlineError: The file cannot be decoded, ends too early, or holds no sample or one that is no number.
    """
    try:
        _check_whole(path)
        with soundfile.SoundFile(path) as file:
            rate, subtype, frames = file.samplerate, file.subtype, file.frames
            samples = file.read(dtype=_FLOATS.get(subtype, "int32"), always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise _broken(path, f"cannot be read as audio: {error}") from error
    if len(samples) == 0:
        raise _broken(path, "holds no samples")
    if len(samples) != frames:
        raise _broken(path, f"ends after {len(samples)} of {frames} frames")
    if subtype in _FLOATS and not np.isfinite(samples).all():
        raise _broken(path, "holds samples that are no numbers")
    return Audio(samples=samples, rate=rate, subtype=subtype, bit_depth=_BIT_DEPTHS.get(subtype))


def _check_whole(path: Path) -> None:
    """Refuse a RIFF file that ends before its data chunk does, which libsndfile would read as a shorter recording."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return  # another container: libsndfile judges it
        file.seek(12)
        while len(header := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", header)
            missing = file.tell() + length - size
            if name == b"data":
                if length not in _STREAMED and missing > 0:
                    raise _broken(path, f"is cut off: {missing} of {length} bytes of audio are missing")
                return
            file.seek(length + length % 2, 1)
    raise _broken(path, "is cut off before its audio")


def _broken(path: Path, what: str) -> BreathlineError:
    return BreathlineError(
        f"The recording {path.name} {what}.", where=path, hint="fetch it again; data/raw must hold whole recordings"
    )
