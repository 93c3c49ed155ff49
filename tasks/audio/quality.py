"""Measures of the technical quality of a recording."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CLIPPED_LEVEL = 0.999  # fraction of full scale
CLIPPED_RUN = 3  # samples; a normalised recording may reach full scale with one or two samples
SILENT_DBFS = -80.0  # below the noise of electronic stethoscopes, above the quantisation noise of 16 bits
SILENT_FRAME_S = 0.05
MAX_LOSS_DB = 200.0


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
    """

    peak: float
    dc_offset: float
    clipped_fraction: float
    longest_constant_s: float
    silent_fraction: float
    rms_dbfs: float | None
    mix_loss_db: float


def measure(samples: npt.NDArray[np.float32], rate: int) -> Quality:
    """Return the measures of one recording.

    Args:
        samples: Samples (frames, channels) float32 with full scale at 1; at least one frame.
        rate: Sample rate in Hz.
    """
    means = samples.mean(axis=0, dtype=np.float64)
    rms = float(np.sqrt(((samples - means) ** 2).mean()))
    channels = [np.ascontiguousarray(channel) for channel in samples.T]
    return Quality(
        peak=float(np.abs(samples).max()),
        dc_offset=float(np.abs(means).max()),
        clipped_fraction=float(np.mean([_clipped(channel) for channel in channels])),
        longest_constant_s=max(_longest_constant(channel) for channel in channels) / rate,
        silent_fraction=float(np.mean([_silent(channel, rate) for channel in channels])),
        rms_dbfs=20 * float(np.log10(rms)) if rms > 0 else None,
        mix_loss_db=_mix_loss(samples, rms),
    )


def _mix_loss(samples: npt.NDArray[np.float32], rms: float) -> float:
    """Return the level in dB that the mean of the channels lacks to their RMS."""
    if samples.shape[1] == 1 or rms == 0:
        return 0.0
    mixed = float(samples.mean(axis=1).std(dtype=np.float64))
    return min(MAX_LOSS_DB, 20 * float(np.log10(rms / mixed))) if mixed > 0 else MAX_LOSS_DB


def _runs(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the lengths of the runs of True."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return edges[1::2] - edges[::2]


def _clipped(channel: npt.NDArray[np.float32]) -> float:
    """Return the fraction of samples in runs at positive or at negative full scale."""
    runs = np.concatenate([_runs(channel >= CLIPPED_LEVEL), _runs(channel <= -CLIPPED_LEVEL)])
    return float(runs[runs >= CLIPPED_RUN].sum() / len(channel))


def _longest_constant(channel: npt.NDArray[np.float32]) -> int:
    """Return the length in samples of the longest run of one value."""
    return int(_runs(channel[1:] == channel[:-1]).max(initial=0)) + 1


def _silent(channel: npt.NDArray[np.float32], rate: int) -> float:
    """Return the share of frames that are silent."""
    length = max(1, min(int(rate * SILENT_FRAME_S), len(channel)))
    frames = channel[: len(channel) // length * length].reshape(-1, length)
    return float(np.mean(frames.var(axis=1, dtype=np.float64) < 10 ** (SILENT_DBFS / 10)))
