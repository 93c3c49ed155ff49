"""Reading of recordings in all containers of libsndfile, complete or refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.audio import limits
from tasks.audio.extents import DamagedAudioError
from tasks.audio.opening import BIT_DEPTHS, OpenRecording
from tasks.runtime.errors import BreathlineError


@dataclass(frozen=True, kw_only=True)
class Audio:
    """Samples and format of a recording, as stored in its file."""

    # Samples (frames, channels). Integers of any depth are left-justified int32 with full scale at 2³¹, so that another
    # depth gives the same samples. Floats are float32 or float64 with full scale at 1.
    samples: npt.NDArray[Any]
    rate: int  # sample rate in Hz
    subtype: str  # encoding of the samples, in the words of libsndfile
    bit_depth: int | None  # bits of a sample; None for encodings without a fixed depth
    notes: tuple[str, ...] = ()  # properties of the file that its user should know, such as a repaired header

    def normalised(self) -> npt.NDArray[np.float32]:
        """Return the samples as (frames, channels) float32 with full scale at 1."""
        return normalised(self.samples)


def normalised(samples: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return samples as they are stored (`Audio`) as float32 with full scale at 1, of the same shape."""
    found = samples.astype(np.float32)
    if samples.dtype == np.int32:
        found *= np.float32(2.0**-31)
    return found


def read(path: Path) -> Audio:
    """Return the audio of a file.

    A file is read as a whole, or refused. Headers with one harmless fault are corrected, which a note tells.

    Raises:
        BreathlineError: The file cannot be decoded, is cut off, is empty, is beyond `tasks.audio.limits`, or has
            samples that are no numbers.
    """
    with refusing(path), OpenRecording(path, limits.WHOLE) as sound:
        samples = sound.read(sound.frames)
        sound.finish()
        depth = BIT_DEPTHS.get(sound.subtype)
        return Audio(samples=samples, rate=sound.rate, subtype=sound.subtype, bit_depth=depth, notes=sound.notes)


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turn a fault of a recording, or a lack of memory, into an error that names its file.

    Raises:
        BreathlineError: The block finds a fault, or needs more memory than there is.
    """
    try:
        with enough_memory(path):
            yield
    except DamagedAudioError as error:
        raise BreathlineError(f"The recording {path.name} {error.what}.", where=path, hint=error.hint) from error


@contextmanager
def enough_memory(path: Path) -> Iterator[None]:
    """Turn a lack of memory into an error that names the recording.

    Raises:
        BreathlineError: The block needs more memory than there is.
    """
    try:
        yield
    except MemoryError as error:
        what = f"The recording {path.name} needs more memory than there is."
        raise BreathlineError(what, where=path, hint=f"{limits.SHORTER}, or end other programs") from error
