"""Breath noise and its spectrum.

Turbulence in the airways makes noise. Its amplitude is proportional to the flow to the power 1.66. Over the chest,
inspiration is about twice as loud as expiration; over the trachea both are equal (Gavriely & Cugell, J. Appl. Physiol.
80, 5, 1996).

Over the chest, the spectrum falls by 12.7 to 15.2 dB an octave in inspiration, and by 13.4 to 20.3 in expiration
(Gavriely et al., Thorax 50, 1292, 1995). Over the trachea it is flat up to a cut-off between 850 and 1,600 Hz
(Gavriely et al., J. Appl. Physiol. 50, 307, 1981).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft

from tasks.corpora.demo.schedule import Breath

# The rate at which sounds of the body are made: lung sounds end below 2.5 kHz over the chest, 4 kHz over the trachea.
BODY_RATE = 8000
_REFERENCE_HZ = 200.0
_FLOW_EXPONENT = 1.66


@dataclass(frozen=True, kw_only=True)
class BreathSpectrum:
    """Spectra of a recording's breath noise at each phase's highest flow; 1 is an average inspiration at 200 Hz.

    Attributes:
        trachea: Whether the recording is over the trachea.
        inspiration_db: Level of inspiration in dB.
        expiration_db: Level of expiration in dB.
        inspiration_slope: Fall of the spectrum in dB an octave, above 200 Hz (chest) or `cutoff_hz` (trachea).
        expiration_slope: The same for expiration.
        cutoff_hz: Cut-off over the trachea in Hz.
    """

    trachea: bool
    inspiration_db: float
    expiration_db: float
    inspiration_slope: float
    expiration_slope: float
    cutoff_hz: float

    @classmethod
    def draw(cls, rng: Generator, *, trachea: bool, level_db: float, tilt_db: float) -> BreathSpectrum:
        """Return the spectra of one recording.

        Args:
            rng: The recording's generator.
            trachea: Whether the recording is over the trachea.
            level_db: Loudness of the patient's breathing relative to the average, in dB.
            tilt_db: Tilt of the spectrum by the patient's chest, in dB an octave.
        """
        level = level_db + rng.normal(0, 2)
        if trachea:
            slopes = rng.uniform(18, 24), rng.uniform(18, 24)
            return cls(
                trachea=True,
                inspiration_db=level - 8,
                expiration_db=level - 8 + rng.normal(0.5, 1.5),
                inspiration_slope=slopes[0],
                expiration_slope=slopes[1],
                cutoff_hz=rng.uniform(850, 1600),
            )
        return cls(
            trachea=False,
            inspiration_db=level,
            expiration_db=level - rng.normal(6.8, 1.5),
            inspiration_slope=rng.uniform(12.7, 15.2) - tilt_db,
            expiration_slope=rng.uniform(13.4, 20.3) - tilt_db,
            cutoff_hz=_REFERENCE_HZ,
        )

    def amplitude(self, frequencies: NDArray[np.float64], *, inspiration: bool) -> NDArray[np.float64]:
        """Return the amplitude spectrum of one phase of breathing.

        Args:
            frequencies: Frequencies in Hz.
            inspiration: Whether the phase is inspiration; else it is expiration.
        """
        slope = self.inspiration_slope if inspiration else self.expiration_slope
        level = self.inspiration_db if inspiration else self.expiration_db
        octaves = np.log2(np.maximum(frequencies, 1.0) / self.cutoff_hz)
        # Muscles and the moving chest add noise that rises towards the lowest frequencies, as in ICBHI's recordings.
        low = np.clip(np.log2(_REFERENCE_HZ / np.maximum(frequencies, 45.0)), 0, None)
        decibels = level - slope * np.maximum(octaves, 0) + 8.5 * low
        return np.asarray(10 ** (decibels / 20) * (frequencies > 20))


def flow(times: NDArray[np.float64], breaths: tuple[Breath, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return inspiratory and expiratory flow at the given times, each with a maximum of 1.

    As in breathing at rest, inspiratory flow has its maximum in the first half of the phase. Expiratory flow rises
    quickly, falls slowly, and is followed by a pause before the next breath.

    Args:
        times: Times of the samples in seconds, ascending.
        breaths: Breaths of the recording.
    """
    inspiration, expiration = np.zeros_like(times), np.zeros_like(times)
    for breath in breaths:
        phase = slice(*np.searchsorted(times, (breath.start_s, breath.turn_s)))
        u = (times[phase] - breath.start_s) / (breath.turn_s - breath.start_s)
        inspiration[phase] = np.sin(np.pi * u**0.75)
        phase = slice(*np.searchsorted(times, (breath.turn_s, breath.end_s)))
        u = (times[phase] - breath.turn_s) / (breath.end_s - breath.turn_s)
        expiration[phase] = np.clip(np.sin(np.pi * np.minimum(u / 0.9, 1) ** 0.55), 0, 1)
    return inspiration, expiration


def breath_noise(
    rng: Generator, breaths: tuple[Breath, ...], spectrum: BreathSpectrum, samples: int
) -> NDArray[np.float64]:
    """Return the breath noise of a recording, at `BODY_RATE`.

    Args:
        rng: Random generator of the noise.
        breaths: Breaths of the recording.
        spectrum: Spectra of both phases.
        samples: Number of samples at `BODY_RATE`.
    """
    frequencies = fft.rfftfreq(samples, 1 / BODY_RATE)
    times = np.arange(samples) / BODY_RATE
    efforts = np.exp(rng.normal(0, 0.12, len(breaths)))
    starts = np.array([breath.start_s for breath in breaths])
    effort = efforts[np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)]
    sound = np.zeros(samples)
    for phase, inspiration in zip(flow(times, breaths), (True, False), strict=True):
        white = fft.rfft(rng.standard_normal(samples))
        noise = fft.irfft(white * spectrum.amplitude(frequencies, inspiration=inspiration), samples)
        sound += noise * (phase * effort) ** _FLOW_EXPONENT
    return sound
