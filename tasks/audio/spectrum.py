"""Spectral centroid and band of a recording, in one pass and in little memory."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from models.frontends.fourier import rfft

FRAME = 1024  # samples of a frame, at any rate
AT_ONCE = 256  # frames that are transformed together, 1 MB
BAND_DB = 70.0  # below the strongest frequency; what is weaker is no sound that a stethoscope passes

Samples = npt.NDArray[np.float32]
_WINDOW = np.hanning(FRAME).astype(np.float32)


@dataclass
class MeanSpectrum:
    """Mean power spectrum of samples that arrive in blocks of any length; the blocks do not change the result.

    Frames follow each other without overlap, and their mean is removed. The last samples, fewer than a frame, are left
    out, except where they are all that there is.
    """

    _rest: Samples | None = None
    _power: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(FRAME // 2 + 1))
    _frames: int = 0

    def add(self, samples: Samples) -> None:
        """Add the next samples ``(frames, channels)``."""
        joined = samples if self._rest is None else np.concatenate([self._rest, samples])
        end = len(joined) // FRAME * FRAME
        for start in range(0, end, AT_ONCE * FRAME):
            self._transform(joined[start : min(end, start + AT_ONCE * FRAME)])
        self._rest = joined[end:].copy()

    def centroid_hz(self, rate: int) -> float | None:
        """Return the mean frequency, weighted by the power of all channels; None without any power.

        Args:
            rate: Sample rate in Hz.
        """
        power = self._known()[1:]  # without the constant part
        total = float(power.sum())
        frequencies = np.arange(1, FRAME // 2 + 1) * (rate / FRAME)
        return float(power @ frequencies) / total if total > 0 else None

    def band_hz(self, rate: int) -> float | None:
        """Return the highest frequency whose power is at most `BAND_DB` below the largest; None without any power.

        Args:
            rate: Sample rate in Hz.
        """
        power = self._known()
        if not power.any():
            return None
        return float(np.flatnonzero(power >= power.max() * 10 ** (-BAND_DB / 10))[-1]) * rate / FRAME

    def energy(self, rate: int, low_hz: float, high_hz: float) -> float:
        """Return the energy between two frequencies, in units that are equal for all recordings of a rate.

        Args:
            rate: Sample rate in Hz.
            low_hz: Lowest frequency in Hz.
            high_hz: Highest frequency in Hz.
        """
        frequencies = np.arange(FRAME // 2 + 1) * (rate / FRAME)
        return float(self._known()[(frequencies >= low_hz) & (frequencies <= high_hz)].sum())

    def _known(self) -> npt.NDArray[np.float64]:
        """Return the power ``(bins,)`` of all frames; of fewer samples than a frame, that of these samples."""
        if not self._frames and self._rest is not None and len(self._rest):
            missing = np.zeros((FRAME - len(self._rest), self._rest.shape[1]), np.float32)
            return self._power + self._power_of(np.concatenate([self._rest - self._rest.mean(axis=0), missing]))
        return self._power

    def _transform(self, samples: Samples) -> None:
        """Add the power of whole frames."""
        self._power += self._power_of(samples)
        self._frames += len(samples) // FRAME

    def _power_of(self, samples: Samples) -> npt.NDArray[np.float64]:
        """Return the power ``(bins,)`` of whole frames."""
        frames = samples.reshape(-1, FRAME, samples.shape[1])
        power = np.zeros(FRAME // 2 + 1)
        for channel in range(samples.shape[1]):
            one = frames[:, :, channel]
            one = one - one.mean(axis=1, keepdims=True)
            one *= _WINDOW
            parts = rfft(one).view(np.float32)
            np.square(parts, out=parts)
            power += parts.sum(axis=0, dtype=np.float64).reshape(-1, 2).sum(axis=1)
        return power


def centroid_hz(samples: Samples, rate: int) -> float | None:
    """Return the spectral centroid of a whole recording in Hz; None without any power.

    Args:
        samples: Samples ``(frames, channels)``.
        rate: Sample rate in Hz.
    """
    spectrum = MeanSpectrum()
    spectrum.add(samples)
    return spectrum.centroid_hz(rate)
