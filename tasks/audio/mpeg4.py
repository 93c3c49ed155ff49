"""Decoding of MPEG-4 audio and AAC, as telephones record it, by the package av (FFmpeg), which is an extra."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.audio import limits
from tasks.audio.extents import DamagedAudioError, without_length

NAME = "MPEG-4 (m4a, mp4, 3gp)"
HEAD = 8  # bytes of a file that tell whether it is one
CONVERT = "convert it to wav, for example with `ffmpeg -i FILE FILE.wav`"
INSTALL = f'run `pip install "breathline[m4a]"`, whose decoder reads it; or {CONVERT}'
TOLERANCE_S = 0.1  # by which a decoder may leave out the delay of an encoder


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Samples (frames, channels) float32 with full scale at 1, rate in Hz, encoding, and notes."""

    samples: npt.NDArray[np.float32]
    rate: int
    codec: str
    notes: tuple[str, ...]


def is_one(head: bytes) -> bool:
    """Return whether a file is MPEG-4, or AAC without a container, by its first `HEAD` bytes."""
    return head[4:8] == b"ftyp" or head[:2] in (b"\xff\xf1", b"\xff\xf9")


def read(path: Path, head: bytes) -> Decoded:
    """Return the audio of a file.

    Args:
        path: The file.
        head: Its first `HEAD` bytes.

    Raises:
        DamagedAudioError: The decoder is not installed, or the file has no audio, is cut off, or is beyond the limits.
    """
    try:
        import av
    except ModuleNotFoundError as error:
        raise DamagedAudioError(
            f"is in the format {NAME}, which is not read without the package av", INSTALL
        ) from error
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise DamagedAudioError(f"is in the format {NAME} and holds no audio", "name the recording itself")
            stream = container.streams.audio[0]
            stated = _seconds(stream) if head[4:8] == b"ftyp" else None  # without a container it is estimated
            rate, channels = int(stream.rate or 0), int(stream.channels)
            limits.WHOLE.check(rate, channels, int((stated or 0) * rate))
            samples = _decode(av.AudioResampler(format="fltp"), container.decode(stream), channels, rate)
            codec = str(stream.codec_context.name).upper()
    except av.FFmpegError as error:
        what = f"is in the format {NAME} and cannot be decoded: {error.strerror or error}"
        raise DamagedAudioError(what) from error
    seconds = len(samples) / rate
    if stated is not None and seconds < stated - TOLERANCE_S:
        raise DamagedAudioError(f"is cut off: {seconds:.2f} of {stated:.2f} s of audio can be decoded")
    notes = () if stated is not None else (without_length("the file"),)
    return Decoded(samples=samples, rate=rate, codec=codec, notes=notes)


def _seconds(stream: Any) -> float | None:
    """Return the length that a container states, in seconds."""
    return float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None


def _decode(resampler: Any, frames: Iterable[Any], channels: int, rate: int) -> npt.NDArray[np.float32]:
    """Return the samples (frames, channels) of decoded packets.

    Raises:
        DamagedAudioError: There are no samples, or more than the limits.
    """
    parts: list[npt.NDArray[np.float32]] = []
    count = 0
    for frame in frames:
        for converted in resampler.resample(frame):
            parts.append(converted.to_ndarray().T)
            count += len(parts[-1])
        limits.WHOLE.check(rate, channels, count)
    if count == 0:
        raise DamagedAudioError("holds no samples")
    return np.ascontiguousarray(np.concatenate(parts), dtype=np.float32)
