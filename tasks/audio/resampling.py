"""Conversion of sample rates by a polyphase filter, of whole waveforms or block by block.

Products are added in float64, and coefficients are multiples of 2⁻²⁷. The sums of samples of up to 24 bits are
therefore exact. They depend neither on their order, nor on the processor, nor on the blocks.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from models.frontends.products import multiply

ZERO_CROSSINGS, ROLLOFF = 6, 0.99  # torchaudio's defaults
STEP = 2.0**-27  # of the coefficients; their absolute values have a sum below 2 for each output sample
WIDTH = 16  # output samples of a block of the filter
SHORT = 1000  # largest number of output samples of a period whose filters are kept for all rates
INPUTS = 1 << 17  # input samples at a time, which take 1 MB

Samples = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


class _Block(NamedTuple):
    """Filter of a few neighbouring output samples of a period.

    Attributes:
        first: Index of the first output sample in the period.
        start: Index of the first input sample, from that of the first output sample of the period.
        matrix: Coefficients ``(input samples, output samples)``.
    """

    first: int
    start: int
    matrix: Doubles


class _Period(NamedTuple):
    """Filter of the output samples of a period, as small dense blocks of a band.

    Attributes:
        up: Output samples of a period, at least `WIDTH`.
        down: Input samples from one period to the next.
        reach: Input samples that a period needs.
        before: Number of them before the period.
        blocks: Filter of all output samples.
    """

    up: int
    down: int
    reach: int
    before: int
    blocks: list[_Block]


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
    """Conversion of a mono waveform block by block.

    The blocks together are what `resample` returns: bit for bit for samples of up to 24 bits, else up to the last bit.
    """

    def __init__(self, rate: int, target: int) -> None:
        self._same = rate == target
        divisor = math.gcd(rate, target)
        self.up, self.down = target // divisor, rate // divisor
        self._period = (_period if self.up <= SHORT else _long_period)(self.up, self.down)
        self._waiting = np.zeros(self._period.before, dtype=np.float32)
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
        periods = max(0, (len(known) - self._period.reach) // self._period.down + 1)
        self._waiting = known[periods * self._period.down :]
        self._returned += periods * self._period.up
        return self._convert(known, periods)

    def finish(self) -> Samples:
        """Return the last samples of the result; zeros follow the waveform."""
        missing = math.ceil(self._given * self.up / self.down) - self._returned
        periods = math.ceil(missing / self._period.up)
        behind = np.zeros(self._period.reach + periods * self._period.down, dtype=np.float32)
        return self._convert(np.concatenate([self._waiting, behind]), periods)[:missing]

    def _convert(self, known: Samples, periods: int) -> Samples:
        """Return the samples of some periods."""
        up, down, reach, _, blocks = self._period
        found = np.empty((periods, up), dtype=np.float32)
        if not periods:
            return found.reshape(-1)
        windows = sliding_window_view(known, reach)[::down]
        size = max(1, INPUTS // reach)
        for first in range(0, periods, size):
            some = slice(first, min(first + size, periods))
            inputs = windows[some].astype(np.float64)
            sums = np.empty((len(inputs), up))
            for at, start, matrix in blocks:
                multiply(inputs[:, start : start + len(matrix)], matrix, sums[:, at : at + matrix.shape[1]])
            found[some] = sums
        return found.reshape(-1)


def low_pass(up: int, down: int) -> Doubles:
    """Return the low-pass filter at `up` times the input's rate; its centre is a whole number of `down` samples."""
    edge = min(up, down) * ROLLOFF
    half = down * math.ceil(ZERO_CROSSINGS * up / edge)
    time = np.clip(np.arange(-half, half + 1) * (edge / (up * down)), -ZERO_CROSSINGS, ZERO_CROSSINGS)
    window = np.cos(time * (math.pi / 2 / ZERO_CROSSINGS)) ** 2
    return np.asarray(np.round(np.sinc(time) * window * (edge / down) / STEP) * STEP)


def _make_period(up: int, down: int) -> _Period:
    """Return the filter of each output sample of a period."""
    whole = low_pass(up, down)
    count = math.ceil(len(whole) / up)
    padded = np.zeros(count * up)
    padded[: len(whole)] = whole
    repeats = math.ceil(WIDTH / up)  # a short period is repeated, so that blocks are full
    last, phase = np.divmod(np.arange(repeats * up) * down + len(whole) // 2, up)  # newest input of an output sample
    taps = padded.reshape(count, up)[::-1, phase]
    starts = last - last[0]
    blocks = []
    for first in range(0, len(starts), WIDTH):
        some = slice(first, first + WIDTH)
        offsets = starts[some] - starts[first]
        matrix = np.zeros((int(offsets[-1]) + count, len(offsets)))
        matrix[offsets + np.arange(count)[:, None], np.arange(len(offsets))] = taps[:, some]
        blocks.append(_Block(first, int(starts[first]), matrix))
    before = count - 1 - int(last[0])
    return _Period(repeats * up, repeats * down, int(starts[-1]) + count, before, blocks)


_period = lru_cache(maxsize=16)(_make_period)
# A rate without a common divisor with the target's gives 90 MB, of which one is kept.
_long_period = lru_cache(maxsize=1)(_make_period)
