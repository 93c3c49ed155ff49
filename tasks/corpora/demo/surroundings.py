"""Other sounds than those of the lungs: heart, mains hum, rubbing and speech."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import signal

from tasks.corpora.demo.breath import BODY_RATE

# Loudness of the heart in dB by chest location; the heart is under the left front.
_HEART_DB = {"Tc": -6.0, "Al": 7.0, "Ar": 4.0, "Pl": -3.0, "Pr": -6.0, "Ll": 3.0, "Lr": -3.0}
_VOWELS_HZ = ((730, 1090), (270, 2290), (300, 870), (530, 1840), (570, 840))


def heart_sounds(rng: Generator, samples: int, *, rate_bpm: float, location: str) -> NDArray[np.float64]:
    """Return the first and second heart sounds of a recording, at `BODY_RATE`.

    S1 lasts about 0.12 s and is near 45 Hz; S2 lasts about 0.09 s and is near 60 Hz. S2 follows after systole, roughly
    0.3 s, which is shorter at a higher heart rate. Their energy ends near 150 Hz.

    Args:
        rng: Random generator of the beats.
        samples: Number of samples at `BODY_RATE`.
        rate_bpm: Heart rate in beats a minute.
        location: Chest location, such as `Al`.
    """
    sound = np.zeros(samples)
    level = 10 ** ((_HEART_DB[location] + rng.normal(0, 4)) / 20)
    beat = float(rng.uniform(0, 1)) * 60 / rate_bpm
    while beat * BODY_RATE < samples:
        period = 60 / rate_bpm * float(np.exp(rng.normal(0, 0.04)))
        systole = 0.24 + 0.1 * (period - 0.5)
        for onset, length, pitch, loudness in ((beat, 0.12, 45, 1.0), (beat + systole, 0.09, 60, 0.8)):
            _add(sound, onset, level * loudness * _thump(rng, length, pitch))
        beat += period
    return sound


def ambient_noise(rng: Generator, samples: int) -> NDArray[np.float64]:
    """Return hum, rubbing of the sensor and distant speech, each of which only some recordings have, at `BODY_RATE`."""
    times = np.arange(samples) / BODY_RATE
    sound = np.zeros(samples)
    if rng.random() < 0.25:
        for harmonic, weight in ((1, 1.0), (2, 0.4), (3, 0.5)):
            phase = rng.uniform(0, 2 * np.pi)
            sound += 0.03 * weight * rng.lognormal(0, 0.6) * np.sin(2 * np.pi * 50 * harmonic * times + phase)
    for _ in range(rng.poisson(1.2)):
        length = float(rng.uniform(0.04, 0.3))
        _add(sound, float(rng.uniform(0, times[-1])), rng.lognormal(-1.6, 0.7) * _rub(rng, length))
    if rng.random() < 0.2:
        pitch = float(rng.choice((115, 205))) * float(np.exp(rng.normal(0, 0.12)))
        onset = float(rng.uniform(0, times[-1]))
        loudness = 10 ** (rng.normal(-27, 4) / 20)
        for _ in range(rng.integers(2, 7)):
            syllable = _syllable(rng, float(rng.uniform(0.12, 0.3)), pitch)
            _add(sound, onset, loudness * syllable)
            onset += len(syllable) / BODY_RATE + float(rng.exponential(0.08))
    return sound


def _add(sound: NDArray[np.float64], onset_s: float, burst: NDArray[np.float64]) -> None:
    """Add a burst to a sound in place, cut at the end of the sound."""
    start = int(onset_s * BODY_RATE)
    part = sound[start : start + len(burst)]
    part += burst[: len(part)]


def _thump(rng: Generator, length_s: float, pitch_hz: float) -> NDArray[np.float64]:
    """Return one heart sound: a few cycles of a falling pitch that swell and die away."""
    times = np.arange(int(length_s * BODY_RATE)) / BODY_RATE
    pitch = pitch_hz * np.exp(rng.normal(0, 0.1)) * (1.3 - 0.6 * times / length_s)
    swell = np.sin(np.pi * (times / length_s) ** 0.6) ** 2
    return np.asarray(swell * np.sin(2 * np.pi * np.cumsum(pitch) / BODY_RATE + rng.uniform(0, 2 * np.pi)))


def _rub(rng: Generator, length_s: float) -> NDArray[np.float64]:
    """Return rubbing of the sensor on skin or cloth: a burst of noise below a few hundred Hz."""
    white = rng.standard_normal(int(length_s * BODY_RATE))
    coloured = signal.lfilter(*signal.butter(2, rng.uniform(80, 500), fs=BODY_RATE), white)
    burst = coloured * signal.windows.tukey(len(white), 0.5)
    return np.asarray(burst / burst.std())


def _syllable(rng: Generator, length_s: float, pitch_hz: float) -> NDArray[np.float64]:
    """Return a voiced syllable: pulses at a voice's pitch through the two formants of a vowel."""
    times = np.arange(int(length_s * BODY_RATE)) / BODY_RATE
    glide = pitch_hz * np.exp(rng.normal(0, 0.05) - 0.15 * times / length_s)
    pulses = signal.sawtooth(2 * np.pi * np.cumsum(glide) / BODY_RATE)
    formants = _VOWELS_HZ[rng.integers(len(_VOWELS_HZ))]
    voiced = sum(signal.lfilter(*signal.iirpeak(formant, formant / 110, fs=BODY_RATE), pulses) for formant in formants)
    return np.asarray(voiced * np.hanning(len(times)))
