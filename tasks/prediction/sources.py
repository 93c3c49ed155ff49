"""Recordings that are read in blocks: files, and arrays of a program."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.audio import limits, reading
from tasks.audio.extents import DamagedAudioError
from tasks.audio.opening import OpenRecording
from tasks.runtime.errors import BreathlineError

Samples = npt.NDArray[np.float32]


class FileSource:
    """Recording in a file.

    Args:
        sound: The opened recording.
    """

    def __init__(self, sound: OpenRecording) -> None:
        self._sound = sound
        self.rate, self.channels, self.frames = sound.rate, sound.channels, sound.frames

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on the file."""
        return self._sound.notes

    def read(self, count: int) -> Samples:
        """Return the next samples ``(frames, channels)`` with full scale at 1; none at the end.

        Raises:
            BreathlineError: The file is damaged.
        """
        with reading.refusing(self._sound.path):
            return reading.normalised(self._sound.read(count))

    def finish(self) -> None:
        """Check that the recording is whole.

        Raises:
            BreathlineError: The file is damaged.
        """
        with reading.refusing(self._sound.path):
            self._sound.finish()


@contextmanager
def open_file(path: Path) -> Iterator[FileSource]:
    """Open a recording, whose length may be that of a night.

    Raises:
        BreathlineError: The file is no recording, or is beyond the limits (`tasks.audio.limits.STREAMED`).
    """
    with reading.refusing(path):
        sound = OpenRecording(path, limits.STREAMED)
    with sound:
        yield FileSource(sound)


class ArraySource:
    """Recording in an array.

    Args:
        samples: Samples ``(frames,)`` or ``(frames, channels)``: floats with full scale at 1, or integers.
        rate: Sample rate in Hz.

    Raises:
        BreathlineError: The array has another shape or type, no samples, or samples that are no numbers.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, samples: npt.NDArray[Any], rate: int) -> None:
        samples = np.asarray(samples)
        if samples.ndim not in (1, 2) or samples.dtype.kind not in "iuf":
            raise BreathlineError(
                f"The array has the shape {samples.shape} and the type {samples.dtype}.",
                where="samples",
                hint="give numbers of the shape (frames,) or (frames, channels)",
            )
        self._samples = samples[:, None] if samples.ndim == 1 else samples
        self.rate, (self.frames, self.channels) = rate, self._samples.shape
        self._position = 0
        try:
            limits.STREAMED.check(rate, self.channels, self.frames)
        except DamagedAudioError as error:
            raise BreathlineError(f"The array {error.what}.", where="samples", hint=error.hint) from error
        if not self.frames:
            raise BreathlineError("The array holds no samples.", where="samples", hint="give a longer recording")

    def read(self, count: int) -> Samples:
        """Return the next samples ``(frames, channels)`` with full scale at 1; none at the end.

        Raises:
            BreathlineError: Samples are no finite numbers.
        """
        found = self._samples[self._position : self._position + count]
        self._position += len(found)
        if found.dtype.kind in "iu":
            scale = float(np.iinfo(found.dtype).max) + 1
            if found.dtype.kind == "u":
                return np.asarray(found / (scale / 2) - 1, dtype=np.float32)
            return np.asarray(found / scale, dtype=np.float32)
        if not np.isfinite(found).all() or np.abs(found).max(initial=0) > limits.MAX_LEVEL:
            what = "The array holds samples that are not finite numbers, or far beyond full scale."
            raise BreathlineError(what, where="samples", hint="full scale is 1 for floats")
        return found.astype(np.float32)

    def finish(self) -> None:
        """Do nothing: an array is whole."""
