"""Fading of recordings, and cutting of cycles."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tasks.audio.cycle_bounds import bounds
from tasks.audio.resampling import resample

FADE_S = 0.0625


def fade(waveform: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float32]:
    """Return a waveform with a linear fade over its first and last 62.5 ms, or over all of a shorter one.

    The published code fades whole recordings (1,000 samples at 16 kHz) before it cuts cycles.

    Args:
        waveform: Waveform (samples,) float32; it is not changed.
        rate: Sample rate in Hz.
    """
    length = min(int(rate * FADE_S), len(waveform))
    ramp = np.linspace(0, 1, length, dtype=np.float32)
    faded = waveform.copy()
    faded[:length] *= ramp
    faded[len(faded) - length :] *= ramp[::-1]
    return faded


class Fader:
    """Fade of a recording block by block. The blocks together are what `fade` returns."""

    def __init__(self, rate: int) -> None:
        self._rate, self._length = rate, int(rate * FADE_S)
        self._held = np.empty(0, dtype=np.float32)
        self._started = False

    def feed(self, block: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the next samples of the faded recording; the last 62.5 ms are held back until `finish`.

        Args:
            block: Next samples (samples,) float32.
        """
        self._held = np.concatenate([self._held, block])
        if not self._started and len(self._held) >= self._length:
            self._held[: self._length] *= np.linspace(0, 1, self._length, dtype=np.float32)
            self._started = True
        known = len(self._held) - self._length
        if known <= 0 or not self._started:
            return self._held[:0]
        ready, self._held = self._held[:known], self._held[known:]
        return ready

    def finish(self) -> npt.NDArray[np.float32]:
        """Return the last samples of the faded recording."""
        if not self._started:
            return fade(self._held, self._rate)
        self._held[len(self._held) - self._length :] *= np.linspace(0, 1, self._length, dtype=np.float32)[::-1]
        return self._held


def cut(
    samples: npt.NDArray[np.float32],
    rate: int,
    target: int,
    times: Sequence[tuple[float, float]],
    *,
    faded: bool = True,
) -> list[npt.NDArray[np.float32]]:
    """Return the waveforms of cycles at `target` Hz, cut from the resampled and optionally faded recording.

    Args:
        samples: Samples (frames, channels) float32 at `rate` Hz; the mean of the channels is used.
        rate: Sample rate of the recording in Hz.
        target: Sample rate of the waveforms in Hz.
        times: Start and end of each cycle in seconds.
        faded: Whether to fade the recording in and out.
    """
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    whole = resample(mono, rate, target)
    whole = fade(whole, target) if faded else whole
    return [whole[bounds(start, end, target, len(whole))] for start, end in times]
