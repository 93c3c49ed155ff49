"""Reading of wav files of any bit depth and sample rate."""

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
_STREAMED = {0, 0xFFFFFFFF}  # placeholders for the size of the audio, from writers that cannot seek


@dataclass(frozen=True, kw_only=True)
class Audio:
    """Samples and format of a recording, as stored in its file."""

    # Samples (frames, channels). Integers of any depth are left-justified int32 with full scale at 2³¹, so that another
    # depth gives the same samples. Floats are float32 or float64 with full scale at 1.
    samples: npt.NDArray[Any]
    rate: int  # sample rate in Hz
    subtype: str  # encoding of the samples, in the words of libsndfile
    bit_depth: int | None  # bits of a sample; None for encodings without a fixed depth

    def normalised(self) -> npt.NDArray[np.float32]:
        """Return the samples as (frames, channels) float32 with full scale at 1."""
        if self.samples.dtype == np.int32:
            return self.samples.astype(np.float32) * np.float32(2.0**-31)
        return self.samples.astype(np.float32)


def read(path: Path) -> Audio:
    """Return the audio of a wav file.

    Raises:
        BreathlineError: The file cannot be decoded, is cut off, is empty, or has samples that are not finite.
    """
    try:
        _check_complete(path)
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
        raise _broken(path, "holds samples that are not finite numbers")
    return Audio(samples=samples, rate=rate, subtype=subtype, bit_depth=_BIT_DEPTHS.get(subtype))


def _check_complete(path: Path) -> None:
    """Raise an error for a truncated RIFF file, which libsndfile would read as a shorter recording."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return  # libsndfile checks other containers
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
        f"The recording {path.name} {what}.", where=path, hint="download it again; data/raw needs complete recordings"
    )
