"""Measures of the technical quality of a recording."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.audio.runs import ClippedRuns, LongestRun
from tasks.audio.spectrum import MeanSpectrum

CLIPPED_LEVEL = 0.999  # fraction of full scale
SILENT_DBFS = -80.0  # below the noise of electronic stethoscopes, above the quantisation noise of 16 bits
SILENT_FRAME_S = 0.05
MAX_LOSS_DB = 200.0

Samples = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Measures of one recording; 1 is full scale.

    - `peak`: largest absolute sample.
    - `dc_offset`: largest absolute mean of a channel's samples.
    - `clipped_fraction`: share of samples at 0.999 of full scale or above, in runs of three or more on the same side.
    - `longest_constant_s`: longest time in seconds in which a channel keeps one value, zero included.
    - `silent_fraction`: share of frames of 50 ms whose RMS about their mean is below −80 dBFS; a constant value is
      silent, too.
    - `rms_dbfs`: RMS about the mean over all channels, in dB of full scale (a full-scale square wave has 0 dBFS); None
      if all samples are equal.
    - `mix_loss_db`: RMS of the channels over that of their mean, which models hear, in dB: 0 for one channel, 3 for two
      unrelated ones, up to 200 if the channels cancel each other.
    - `centroid_hz`: spectral centroid, the mean frequency weighted by the power of all channels; None if all samples
      are equal.
    """

    peak: float
    dc_offset: float
    clipped_fraction: float
    longest_constant_s: float
    silent_fraction: float
    rms_dbfs: float | None
    mix_loss_db: float
    centroid_hz: float | None


def measure(samples: Samples, rate: int) -> Quality:
    """Return the measures of one recording.

    Args:
        samples: Samples (frames, channels) float32 with full scale at 1; at least one frame.
        rate: Sample rate in Hz.
    """
    meter = Meter(rate, samples.shape[1])
    meter.feed(samples)
    return meter.result()


class Meter:
    """Measurement of a recording block by block; of one block, or of many, the measures are the same."""

    def __init__(self, rate: int, channels: int) -> None:
        """Start a measurement.

        Args:
            rate: Sample rate in Hz.
            channels: Number of channels.
        """
        self.rate, self.channels = rate, channels
        frame = max(1, int(rate * SILENT_FRAME_S))
        self._spectrum = MeanSpectrum()
        self._each = [_Channel(frame) for _ in range(channels)]
        self._mixed = _Moments(frame)

    def feed(self, samples: Samples) -> None:
        """Measure the next samples.

        Args:
            samples: Samples (frames, channels) float32 with full scale at 1.
        """
        if not len(samples):
            return
        if len(self._each) > 1:
            self._mixed.add(samples.mean(axis=1))
        self._spectrum.add(samples)
        for channel, one in zip(self._each, samples.T, strict=True):
            channel.add(np.ascontiguousarray(one))

    def result(self) -> Quality:
        """Return the measures of all samples so far; there is at least one."""
        moments = [channel.moments for channel in self._each]
        rms = float(np.sqrt(np.mean([each.variance for each in moments])))
        return Quality(
            peak=max(channel.peak for channel in self._each),
            dc_offset=max(abs(each.mean) for each in moments),
            clipped_fraction=float(np.mean([channel.clipped_fraction for channel in self._each])),
            longest_constant_s=max(channel.longest_constant for channel in self._each) / self.rate,
            silent_fraction=float(np.mean([each.silent_fraction for each in moments])),
            rms_dbfs=20 * float(np.log10(rms)) if rms > 0 else None,
            mix_loss_db=self._mix_loss(rms),
            centroid_hz=self._spectrum.centroid_hz(self.rate) if rms > 0 else None,
        )

    @property
    def band_hz(self) -> float | None:
        """Upper end of the band in Hz (`MeanSpectrum.band_hz`); None for a constant."""
        return self._spectrum.band_hz(self.rate)

    def energy(self, low_hz: float, high_hz: float) -> float:
        """Return the energy between two frequencies, in units that are equal for all recordings of a sample rate."""
        return self._spectrum.energy(self.rate, low_hz, high_hz)

    def _mix_loss(self, rms: float) -> float:
        """Return the level in dB that the mean of the channels lacks to their RMS."""
        if len(self._each) == 1 or rms == 0:
            return 0.0
        mixed = math.sqrt(self._mixed.variance)
        return min(MAX_LOSS_DB, 20 * float(np.log10(rms / mixed))) if mixed > 0 else MAX_LOSS_DB


class _Moments:
    """Mean and variance of one channel, and its silent frames, from sums over frames.

    Sums are those of the differences from the first sample: a constant has none, and an offset costs no digits.
    """

    def __init__(self, frame: int) -> None:
        self._frame = frame  # samples of a frame
        self._first: float | None = None
        self._rest = np.empty(0, dtype=np.float32)  # samples of a frame that is not complete
        self._frames = self._silent = 0
        self._sum = self._squares = 0.0

    def add(self, samples: Samples) -> None:
        """Add samples (samples,)."""
        if self._first is None:
            self._first = float(samples[0])
        known = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        whole = len(known) // self._frame
        sums, squares = self._sums(known[: whole * self._frame].reshape(-1, self._frame))
        self._frames, self._silent = self._frames + whole, self._silent + int(_silent(sums, squares, self._frame).sum())
        self._sum, self._squares = self._sum + float(sums.sum()), self._squares + float(squares.sum())
        self._rest = known[whole * self._frame :].copy()

    def _sums(self, frames: Samples) -> tuple[Doubles, Doubles]:
        """Return the sum and the sum of squares of each frame ``(frames, samples)``, less the first sample."""
        values = frames.astype(np.float64)
        values -= self._first or 0.0
        return values.sum(axis=1), np.einsum("ij,ij->i", values, values)

    @property
    def _totals(self) -> tuple[int, float, float]:
        """Number of samples, their sum, and that of their squares, less the first sample."""
        sums, squares = self._sums(self._rest[None])
        count = self._frames * self._frame + len(self._rest)
        return count, self._sum + float(sums[0]), self._squares + float(squares[0])

    @property
    def mean(self) -> float:
        """Mean of the samples."""
        count, total, _ = self._totals
        return (self._first or 0.0) + total / count

    @property
    def variance(self) -> float:
        """Variance of the samples; 0 if all are equal."""
        count, total, squares = self._totals
        return max(0.0, squares / count - (total / count) ** 2)

    @property
    def silent_fraction(self) -> float:
        """Share of frames that are silent; samples that are less than a frame count as one."""
        if not self._frames:
            return float(_silent(*self._sums(self._rest[None]), len(self._rest))[0])
        return self._silent / self._frames


def _silent(sums: Doubles, squares: Doubles, samples: int) -> npt.NDArray[np.bool_]:
    """Return whether each frame is silent, from sums and sums of squares of its samples."""
    return np.asarray(squares / samples - (sums / samples) ** 2 < 10 ** (SILENT_DBFS / 10))


class _Channel:
    """Moments, peak, and clipped and constant samples of one channel."""

    def __init__(self, frame: int) -> None:
        self.moments = _Moments(frame)
        self.peak = 0.0
        self._samples = 0
        self._last = np.empty(0, dtype=np.float32)
        self._sides = (ClippedRuns(), ClippedRuns())
        self._constant = LongestRun()

    def add(self, samples: Samples) -> None:
        """Add samples (samples,)."""
        self.moments.add(samples)
        self._samples += len(samples)
        low, high = float(samples.min()), float(samples.max())
        self.peak = max(self.peak, high, -low)
        for runs, side, top in zip(self._sides, (1, -1), (high, -low), strict=True):
            if top < CLIPPED_LEVEL:  # none at all, as in most recordings
                runs.end()
            else:
                runs.add(side * samples >= CLIPPED_LEVEL)
        self._constant.add(self._last == samples[:1])
        self._constant.add(samples[1:] == samples[:-1])
        self._last = samples[-1:]

    @property
    def clipped_fraction(self) -> float:
        """Share of samples in runs at positive or at negative full scale."""
        return sum(runs.clipped for runs in self._sides) / self._samples

    @property
    def longest_constant(self) -> int:
        """Length in samples of the longest run of one value."""
        return self._constant.longest + 1
