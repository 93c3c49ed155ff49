"""Measures of the technical quality of a recording."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.audio.spectrum import MeanSpectrum

CLIPPED_LEVEL = 0.999  # fraction of full scale
CLIPPED_RUN = 3  # samples; a normalised recording may reach full scale with one or two samples
SILENT_DBFS = -80.0  # below the noise of electronic stethoscopes, above the quantisation noise of 16 bits
SILENT_FRAME_S = 0.05
MAX_LOSS_DB = 200.0

Samples = npt.NDArray[np.float32]


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
        self._all = _Moments()
        self._mixed = _Moments()
        self._spectrum = MeanSpectrum()
        self._peak = 0.0
        self._each = [_Channel(max(1, int(rate * SILENT_FRAME_S))) for _ in range(channels)]

    def feed(self, samples: Samples) -> None:
        """Measure the next samples.

        Args:
            samples: Samples (frames, channels) float32 with full scale at 1.
        """
        if not len(samples):
            return
        self._all.add(samples)
        if len(self._each) > 1:
            self._mixed.add(samples.mean(axis=1)[:, None])
        self._spectrum.add(samples)
        self._peak = max(self._peak, float(np.abs(samples).max()))
        for channel, one in zip(self._each, samples.T, strict=True):
            channel.add(np.ascontiguousarray(one))

    def result(self) -> Quality:
        """Return the measures of all samples so far; there is at least one."""
        rms = self._all.deviation
        return Quality(
            peak=self._peak,
            dc_offset=float(np.abs(self._all.mean).max()),
            clipped_fraction=float(np.mean([channel.clipped_fraction for channel in self._each])),
            longest_constant_s=max(channel.longest_constant for channel in self._each) / self.rate,
            silent_fraction=float(np.mean([channel.silent_fraction for channel in self._each])),
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
        mixed = self._mixed.deviation
        return min(MAX_LOSS_DB, 20 * float(np.log10(rms / mixed))) if mixed > 0 else MAX_LOSS_DB


class _Moments:
    """Mean of each channel, and deviation from it over all channels (Chan, Golub & LeVeque 1983)."""

    def __init__(self) -> None:
        self.frames = 0
        self.mean: npt.NDArray[np.float64] = np.zeros(1)
        self._squares = 0.0

    def add(self, samples: Samples) -> None:
        """Add samples (frames, channels)."""
        count, mean = len(samples), samples.mean(axis=0, dtype=np.float64)
        self._squares += float(((samples - mean) ** 2).sum())
        if self.frames:
            total, difference = self.frames + count, mean - self.mean
            self._squares += float((difference**2).sum()) * self.frames * count / total
            mean = self.mean + difference * count / total
        self.frames, self.mean = self.frames + count, mean

    @property
    def deviation(self) -> float:
        """RMS about the means of the channels."""
        return float(np.sqrt(self._squares / (self.frames * len(self.mean))))


class _Channel:
    """Clipped, constant and silent samples of one channel."""

    def __init__(self, frame: int) -> None:
        self._frame = frame  # samples of a frame
        self._rest = np.empty(0, dtype=np.float32)  # samples of a frame that is not complete
        self._frames = self._silent = self._samples = 0
        self._last = np.empty(0, dtype=np.float32)
        self._sides = (_Runs(), _Runs())
        self._constant = _Runs()

    def add(self, samples: Samples) -> None:
        """Add samples (samples,)."""
        self._samples += len(samples)
        for runs, clipped in zip(self._sides, (samples >= CLIPPED_LEVEL, samples <= -CLIPPED_LEVEL), strict=True):
            runs.add(clipped)
        joined = np.concatenate([self._last, samples])
        self._constant.add(joined[1:] == joined[:-1])
        self._last = samples[-1:]
        known = np.concatenate([self._rest, samples])
        whole = len(known) // self._frame * self._frame
        silent = _is_silent(known[:whole].reshape(-1, self._frame))
        self._frames, self._silent = self._frames + len(silent), self._silent + int(silent.sum())
        self._rest = known[whole:]

    @property
    def clipped_fraction(self) -> float:
        """Share of samples in runs at positive or at negative full scale."""
        return sum(runs.clipped for runs in self._sides) / self._samples

    @property
    def longest_constant(self) -> int:
        """Length in samples of the longest run of one value."""
        return self._constant.longest + 1

    @property
    def silent_fraction(self) -> float:
        """Share of frames that are silent; samples that are less than a frame count as one."""
        if not self._frames:
            return float(_is_silent(self._rest[None])[0])
        return self._silent / self._frames


class _Runs:
    """Lengths of the runs of True in a mask that comes in blocks."""

    def __init__(self) -> None:
        self._longest = self._counted = self._open = 0

    def add(self, mask: npt.NDArray[np.bool_]) -> None:
        """Add a block of the mask."""
        if mask.all():
            self._open += len(mask)
            return
        edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
        runs = edges[1::2] - edges[::2]
        if mask[0]:
            runs[0] += self._open
        else:
            self._close(np.array([self._open]))
        self._open = int(runs[-1]) if mask[-1] else 0
        self._close(runs[:-1] if mask[-1] else runs)

    def _close(self, runs: npt.NDArray[np.int64]) -> None:
        """Count runs that have ended."""
        self._longest = max(self._longest, int(runs.max(initial=0)))
        self._counted += int(runs[runs >= CLIPPED_RUN].sum())

    @property
    def longest(self) -> int:
        """Length of the longest run."""
        return max(self._longest, self._open)

    @property
    def clipped(self) -> int:
        """Number of elements in runs of at least `CLIPPED_RUN`."""
        return self._counted + (self._open if self._open >= CLIPPED_RUN else 0)


def _is_silent(frames: Samples) -> npt.NDArray[np.bool_]:
    """Return whether each of some frames ``(frames, samples)`` is silent."""
    return np.asarray(frames.var(axis=1, dtype=np.float64) < 10 ** (SILENT_DBFS / 10))
