"""Recording devices: formats, frequency response, noise floor and level.

Responses and floors were read off the published recordings, as medians over the normal cycles of each device, relative
to loud breathing at 200 Hz over the chest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Device:
    """Recording device.

    Attributes:
        mode: Acquisition mode, sc or mc.
        formats: Pairs of (rate in Hz, subtype) and probability.
        response_db: Frequency response as points (Hz, dB), interpolated over the logarithm of frequency.
        floor_db: Noise floor as points (Hz, dB).
        level_dbfs: Mean and standard deviation of the recording's RMS; None if each recording is scaled to full peak.
        overload_db: Maximum excess of the loudest sound over full scale, in dB.
    """

    mode: str
    formats: tuple[tuple[tuple[int, str], float], ...]
    response_db: Curve
    floor_db: Curve
    level_dbfs: tuple[float, float] | None
    overload_db: float


DEVICES = {
    "AKGC417L": Device(
        mode="mc",
        formats=(((44100, "PCM_24"), 0.87), ((44100, "PCM_16"), 0.13)),
        response_db=((20, -4), (60, 0), (5000, 0), (20000, -6)),
        floor_db=(
            (50, 4), (75, 0), (100, -4), (150, -13), (200, -19), (300, -25), (400, -28),
            (600, -32), (1000, -37), (2000, -41), (5000, -44), (10000, -48), (20000, -52),
        ),
        level_dbfs=(-12.0, 3.0),
        overload_db=1.0,
    ),
    "LittC2SE": Device(
        mode="mc",
        formats=(((44100, "PCM_24"), 1.0),),
        response_db=((20, -3), (60, 1), (300, 0), (400, -4), (600, -10), (1000, -14), (2500, -18), (20000, -24)),
        floor_db=(
            (50, 8), (75, 1), (100, -5), (150, -14), (200, -24), (300, -30), (400, -38),
            (600, -44), (1000, -47), (2000, -52), (5000, -57), (20000, -62),
        ),
        level_dbfs=(-23.0, 5.0),
        overload_db=0.0,
    ),
    "Litt3200": Device(
        mode="sc",
        formats=(((4000, "PCM_16"), 1.0),),
        response_db=((20, -12), (80, -3), (150, 1), (200, 0), (300, -4), (400, -3), (600, 4), (800, -7), (1000, -15),
                     (1500, -24), (1900, -38), (2000, -46)),
        floor_db=((50, -8), (75, -18), (100, -25), (150, -38), (200, -46), (300, -54), (400, -56), (600, -53),
                  (800, -67), (1000, -76), (1500, -86), (2000, -90)),
        level_dbfs=None,
        overload_db=0.0,
    ),
    "Meditron": Device(
        mode="sc",
        formats=(
            ((44100, "PCM_24"), 0.50), ((44100, "PCM_16"), 0.21), ((4000, "PCM_16"), 0.24), ((10000, "PCM_16"), 0.05),
        ),
        response_db=((20, -3), (60, 0), (400, 2), (1500, 3), (3000, 0), (20000, -6)),
        floor_db=(
            (50, 6), (75, -2), (100, -9), (150, -19), (200, -25), (300, -31), (400, -36), (600, -41),
            (1000, -43), (1500, -44), (2000, -52), (3500, -57), (10000, -58), (20000, -60),
        ),
        level_dbfs=(-25.0, 5.0),
        overload_db=0.0,
    ),
}  # fmt: skip


def gain(curve: Curve, frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a curve as amplitude at the given frequencies, in Hz."""
    hertz, decibels = np.array(curve, dtype=np.float64).T
    return np.asarray(10 ** (np.interp(np.log(np.maximum(frequencies, 1.0)), np.log(hertz), decibels) / 20))


def pick_up(
    rng: Generator, sound: NDArray[np.float64], sound_rate: int, device: Device, rate: int
) -> NDArray[np.float64]:
    """Return a sound as a device records it: with its band, frequency response, rate and noise.

    The sound is treated as periodic, so that one transform and its inverse change rate and spectrum at once.

    Args:
        rng: Random generator of the noise.
        sound: The sound at the chest, one density unit of white noise having variance 1 at `sound_rate`.
        sound_rate: Sample rate of the sound in Hz.
        device: The device.
        rate: The rate of the result in Hz; a whole number of samples must result.
    """
    samples = len(sound) * rate // sound_rate
    bins = samples // 2 + 1
    frequencies = np.arange(bins, dtype=np.float64) * (rate / samples)
    spectrum = np.zeros(bins, dtype=np.complex128)
    heard = fft.rfft(sound) * (samples / len(sound))
    shared = min(bins, len(heard))
    spectrum[:shared] = heard[:shared] * gain(device.response_db, frequencies[:shared])
    noise = rng.standard_normal((bins, 2), dtype=np.float32)
    density = np.sqrt(samples / 2 * rate / sound_rate) * gain(device.floor_db, frequencies)
    spectrum.real += noise[:, 0] * density
    spectrum.imag += noise[:, 1] * density
    spectrum[frequencies < 15] = 0  # every device is coupled by a capacitor
    return np.asarray(fft.irfft(spectrum, samples))


def digitise(rng: Generator, signal: NDArray[np.float64], device: Device, subtype: str) -> NDArray[np.float64]:
    """Return a signal at the level at which the device's recordings were stored, within −1 to 1."""
    peak = np.abs(signal).max()
    scale = 0.98 / peak
    if device.level_dbfs is not None:
        wanted = 10 ** (rng.normal(*device.level_dbfs) / 20)
        scale = min(wanted / signal.std(), scale * 10 ** (rng.uniform(0, 1) * device.overload_db / 20))
    offset = np.clip(rng.normal(0, 0.006), -0.02, 0.02) if subtype == "PCM_16" else 0.0
    return np.asarray(np.clip(signal * scale + offset, -1, 1 - 2.0**-15))
