"""Conversion of sample rates by a polyphase filter, of whole waveforms or block by block."""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

ZERO_CROSSINGS, ROLLOFF = 6, 0.99  # torchaudio's defaults
BLOCK, PASS = 1 << 18, 1 << 15  # samples of a block, and of one operation on it, which stay in the processor's cache

Samples = npt.NDArray[np.float32]


class _Phases(NamedTuple):
    """Filter of each of the `up` output samples of a period.

    Attributes:
        starts: Index ``(up,)`` of the first input sample of each output sample, from that of the first one.
        taps: Coefficients ``(taps, up)`` of the input samples, in the order of time.
        before: Number of input samples before a period that its first output sample needs.
    """

    starts: npt.NDArray[np.intp]
    taps: Samples
    before: int


def resample(waveform: Samples, rate: int, target: int) -> Samples:
    """Return a mono waveform at `target` Hz, (⌈samples × target / rate⌉,) float32.

    The filter is that of `torchaudio.transforms.Resample` with its defaults, as in the published works: a sinc with a
    squared cosine window, six zero crossings on each side, and its edge at 0.99 of the lower Nyquist frequency.

    Args:
        waveform: Waveform (samples,) float32.
        rate: Sample rate of the waveform in Hz.
        target: New sample rate in Hz.
    """
    resampler = Resampler(rate, target)
    return np.concatenate([resampler.feed(waveform), resampler.finish()])


class Resampler:
    """Conversion of a mono waveform block by block. The blocks together are bit by bit what `resample` returns."""

    def __init__(self, rate: int, target: int) -> None:
        self._same = rate == target
        divisor = math.gcd(rate, target)
        self.up, self.down = target // divisor, rate // divisor
        self.phases = _phases(self.up, self.down)
        self._reach = int(self.phases.starts[-1]) + len(self.phases.taps)  # input samples of a period
        self._waiting = np.zeros(self.phases.before, dtype=np.float32)
        self._given = self._returned = 0

    def feed(self, block: Samples) -> Samples:
        """Return the next samples of the result, as far as the waveform is known.

        Args:
            block: Next samples (samples,) float32 of the waveform.
        """
        if self._same:
            return block
        self._given += len(block)
        known = np.concatenate([self._waiting, block])
        periods = max(0, (len(known) - self._reach) // self.down + 1)
        self._waiting = known[periods * self.down :]
        self._returned += periods * self.up
        return self._convert(known, periods)

    def finish(self) -> Samples:
        """Return the last samples of the result; zeros follow the waveform."""
        missing = math.ceil(self._given * self.up / self.down) - self._returned
        periods = math.ceil(missing / self.up)
        behind = np.zeros(self._reach + periods * self.down, dtype=np.float32)
        return self._convert(np.concatenate([self._waiting, behind]), periods)[:missing]

    def _convert(self, known: Samples, periods: int) -> Samples:
        """Return the samples of some periods.

        The products of a sample are added in the order of time, so that the sum is that of any other block.
        """
        found = np.empty((periods, self.up), dtype=np.float32)
        size = max(1, BLOCK // max(self.up, self.down))
        for first in range(0, periods, size):
            count = min(size, periods - first)
            windows = sliding_window_view(known, self._reach)[first * self.down :: self.down][:count]
            self._filter(np.ascontiguousarray(windows.T), found[first : first + count])
        return found.reshape(-1)

    def _filter(self, inputs: Samples, found: Samples) -> None:
        """Fill the samples ``(periods, up)`` from the inputs ``(reach, periods)``."""
        starts, taps, _ = self.phases
        size = max(1, PASS // len(found))
        for first in range(0, self.up, size):
            some = slice(first, first + size)
            total = np.zeros((len(starts[some]), len(found)), dtype=np.float32)
            product = np.empty_like(total)
            for tap, coefficients in enumerate(taps[:, some]):
                np.take(inputs, starts[some] + tap, axis=0, out=product, mode="clip")
                product *= coefficients[:, None]
                total += product
            found[:, some] = total.T


def low_pass(up: int, down: int) -> Samples:
    """Return the low-pass filter at `up` times the input's rate; its centre is a whole number of `down` samples."""
    edge = min(up, down) * ROLLOFF
    half = down * math.ceil(ZERO_CROSSINGS * up / edge)
    time = np.clip(np.arange(-half, half + 1) * (edge / (up * down)), -ZERO_CROSSINGS, ZERO_CROSSINGS)
    window = np.cos(time * (math.pi / 2 / ZERO_CROSSINGS)) ** 2
    return np.asarray(np.sinc(time) * window * (edge / down), dtype=np.float32)


@lru_cache(maxsize=16)
def _phases(up: int, down: int) -> _Phases:
    """Return the filter of each output sample of a period."""
    whole = low_pass(up, down)
    count = math.ceil(len(whole) / up)
    padded = np.zeros(count * up, dtype=np.float32)
    padded[: len(whole)] = whole
    last, phase = np.divmod(np.arange(up) * down + len(whole) // 2, up)  # newest input of each output sample
    taps = np.ascontiguousarray(padded.reshape(count, up)[::-1, phase])
    return _Phases((last - last[0]).astype(np.intp), taps, before=count - 1 - int(last[0]))
