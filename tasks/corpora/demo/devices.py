"""Recording devices: formats, frequency response, noise floor and level; their figures are in `devices.yaml`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import TypeAdapter
from ruamel.yaml import YAML
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


DEVICES = TypeAdapter(dict[str, Device]).validate_python(
    YAML(typ="safe").load(Path(__file__).with_name("devices.yaml"))
)


def gain(curve: Curve, frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the amplitude of a curve at the given frequencies.

    Args:
        curve: Points of frequency in Hz and level in dB.
        frequencies: Frequencies in Hz.
    """
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
    source = fft.rfft(sound) * (samples / len(sound))
    shared = min(bins, len(source))
    spectrum[:shared] = source[:shared] * gain(device.response_db, frequencies[:shared])
    noise = rng.standard_normal((bins, 2), dtype=np.float32)
    density = np.sqrt(samples / 2 * rate / sound_rate) * gain(device.floor_db, frequencies)
    spectrum.real += noise[:, 0] * density
    spectrum.imag += noise[:, 1] * density
    spectrum[frequencies < 15] = 0  # every device is coupled by a capacitor
    return np.asarray(fft.irfft(spectrum, samples))


def digitise(rng: Generator, signal: NDArray[np.float64], device: Device, subtype: str) -> NDArray[np.float64]:
    """Return a signal at the level at which the device's recordings were stored, within −1 to 1.

    Args:
        rng: Random generator of level and offset.
        signal: Signal (samples,) of the device.
        device: The device.
        subtype: Encoding of the samples, in the words of libsndfile.
    """
    peak = np.abs(signal).max()
    scale = 0.98 / peak
    if device.level_dbfs is not None:
        wanted = 10 ** (rng.normal(*device.level_dbfs) / 20)
        scale = min(wanted / signal.std(), scale * 10 ** (rng.uniform(0, 1) * device.overload_db / 20))
    offset = np.clip(rng.normal(0, 0.006), -0.02, 0.02) if subtype == "PCM_16" else 0.0
    return np.asarray(np.clip(signal * scale + offset, -1, 1 - 2.0**-15))
