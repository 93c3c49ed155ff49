"""Resampling and fading of recordings, and cutting of cycles."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.signal import upfirdn

from tasks.audio.cycle_bounds import bounds

FADE_S = 0.0625
ZERO_CROSSINGS, ROLLOFF = 6, 0.99  # torchaudio's defaults


def resample(waveform: npt.NDArray[np.float32], rate: int, target: int) -> npt.NDArray[np.float32]:
    """Return a mono waveform at `target` Hz, (⌈samples × target / rate⌉,) float32.

    The filter is that of `torchaudio.transforms.Resample` with its defaults, as in the published works: a sinc with a
    squared cosine window, six zero crossings on each side, and its edge at 0.99 of the lower Nyquist frequency. SciPy
    applies it at the same speed, without the half gigabyte of memory that torch needs.

    Args:
        waveform: Waveform (samples,) float32.
        rate: Sample rate of the waveform in Hz.
        target: New sample rate in Hz.
    """
    if rate == target:
        return waveform
    divisor = math.gcd(rate, target)
    up, down = target // divisor, rate // divisor
    taps = _filter(up, down)
    skip = len(taps) // 2 // down
    return np.asarray(upfirdn(taps, waveform, up, down)[skip : skip + math.ceil(len(waveform) * up / down)])


@lru_cache(maxsize=16)
def _filter(up: int, down: int) -> npt.NDArray[np.float32]:
    """Return the low-pass filter at `up` times the input's rate; its centre is a whole number of `down` samples."""
    edge = min(up, down) * ROLLOFF
    half = down * math.ceil(ZERO_CROSSINGS * up / edge)
    time = np.clip(np.arange(-half, half + 1) * (edge / (up * down)), -ZERO_CROSSINGS, ZERO_CROSSINGS)
    window = np.cos(time * (math.pi / 2 / ZERO_CROSSINGS)) ** 2
    return np.asarray(np.sinc(time) * window * (edge / down), dtype=np.float32)


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
