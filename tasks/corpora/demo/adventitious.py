"""Crackles and wheezes with the parameters of their definitions.

The CORSA guidelines (Sovijärvi et al., Eur. Respir. Rev. 10, 591 and 597, 2000) define both sounds. A crackle has an
initial deflection width (IDW) and a two-cycle duration (2CD): about 0.7 and 5 ms if fine, 1.5 and 10 ms if coarse. A
wheeze is longer than 80 to 100 ms, with a pitch above 100 Hz, mostly near 400 Hz; below 200 Hz it is a rhonchus.

Fine crackles have a pitch of about 650 Hz and occur late in inspiration. Coarse crackles have a pitch of about 350 Hz
and occur early in inspiration and in expiration (Bohadana et al., N. Engl. J. Med. 370, 744, 2014).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tasks.corpora.demo.breath import BODY_RATE
from tasks.corpora.demo.schedule import Breath

# Ranges in milliseconds; a patient's `crackle_size` is a position in them.
FINE = {"idw": (0.5, 0.7), "two_cycle": (3.3, 5.0)}
COARSE = {"idw": (1.0, 1.5), "two_cycle": (8.0, 10.0)}
SHORTEST_WHEEZE_S = 0.1
WHEEZE_HZ = (110.0, 1000.0)
RHONCHUS_HZ = (110.0, 190.0)

# Power density of all other sounds, at frequencies in Hz, per unit of white noise.
Background = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Crackle:
    """One crackle: onset in seconds, IDW and 2CD in milliseconds, and the amplitude of its highest deflection."""

    onset_s: float
    idw_ms: float
    two_cycle_ms: float
    peak: float


@dataclass(frozen=True, kw_only=True)
class Wheeze:
    """One wheeze: onset and duration in seconds, fundamental frequency in Hz at both ends, and harmonics.

    Attributes:
        bow: Fundamental frequency in the middle, relative to the mean of both ends.
        flutter: Depth of the amplitude modulation, 0 to 1.
        flutter_hz: Frequency of the amplitude modulation in Hz.
        harmonics: Amplitudes of the harmonics.
    """

    onset_s: float
    duration_s: float
    start_hz: float
    end_hz: float
    bow: float
    flutter: float
    flutter_hz: float
    harmonics: tuple[float, ...]


def crackle_wave(crackle: Crackle, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the samples of a crackle: two periods of a sine that become longer, under an envelope.

    The time axis is warped so that the first zero is after the initial deflection width (IDW). The envelope is a raised
    cosine with an early peak, as in the simulated crackles of Kiyokawa et al. (Chest 119, 1886, 2001).

    Args:
        crackle: Onset, widths and peak of the crackle.
        times: Times of the samples in seconds.
    """
    u = np.clip((times - crackle.onset_s) * 1000 / crackle.two_cycle_ms, 0, 1)
    bend = np.log(0.25) / np.log(crackle.idw_ms / crackle.two_cycle_ms)
    swell = 0.5 * (1 + np.cos(2 * np.pi * (np.sqrt(u) - 0.5)))
    return np.asarray(crackle.peak * swell * np.sin(4 * np.pi * u**bend))


def wheeze_wave(wheeze: Wheeze, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the samples of a wheeze: a tone of changing pitch with harmonics, faded in and out.

    Args:
        wheeze: Onset, duration, frequencies and amplitudes of the wheeze.
        times: Times of the samples in seconds.
    """
    u = (times - wheeze.onset_s) / wheeze.duration_s
    inside = (u >= 0) & (u <= 1)
    u = np.clip(u, 0, 1)
    # The frequency is a parabola through both ends and the middle; its integral is the phase.
    rise = wheeze.end_hz - wheeze.start_hz
    arch = 4 * (wheeze.bow - 1) * (wheeze.start_hz + wheeze.end_hz) / 2
    cycles = wheeze.duration_s * (wheeze.start_hz * u + rise * u**2 / 2 + arch * (u**2 / 2 - u**3 / 3))
    tone = sum(
        amplitude * np.sin(2 * np.pi * order * cycles) for order, amplitude in enumerate(wheeze.harmonics, start=1)
    )
    fade = min(0.4, 0.06 / wheeze.duration_s)
    swell = np.sin(np.pi / 2 * np.minimum(1, np.minimum(u, 1 - u) / fade)) ** 2
    swell *= 1 - wheeze.flutter * 0.5 * (1 + np.cos(2 * np.pi * wheeze.flutter_hz * u * wheeze.duration_s))
    return np.asarray(inside * swell * tone)


def draw_crackles(
    rng: Generator, breath: Breath, heard: tuple[float, float], background: Background, *, fine: float, size: float
) -> list[Crackle]:
    """Return the crackles of one breath.

    Args:
        rng: The recording's generator.
        breath: The breath.
        heard: Start and end in seconds of the span in which crackles are placed.
        background: Power density of all other sounds.
        fine: Probability of fine crackles.
        size: Position in the range of widths, 0 to 1.
    """
    is_fine = rng.random() < fine
    kind = FINE if is_fine else COARSE
    inspiration, expiration = breath.turn_s - breath.start_s, breath.end_s - breath.turn_s
    if is_fine:
        window = (breath.start_s + 0.45 * inspiration, breath.turn_s)
    elif rng.random() < 0.75:
        window = (breath.start_s + 0.05 * inspiration, breath.start_s + 0.65 * inspiration)
    else:
        window = (breath.turn_s + 0.05 * expiration, breath.turn_s + 0.7 * expiration)
    begin, end = _inside(window, heard, 0.05)
    # Prominence over the background in the two octaves about the crackle's pitch: some are loud, some faint.
    pitch = 650.0 if is_fine else 350.0
    band = np.linspace(pitch / 2, pitch * 2, 64)
    rms = np.sqrt(background(band).mean() * (band[-1] - band[0]) * 2 / BODY_RATE)
    prominence = rng.normal(18, 4)
    count = 2 + rng.poisson(7 if is_fine else 5)
    onsets = np.sort(rng.uniform(begin, end - 0.012, count))
    crackles = []
    for onset in onsets:
        place = np.clip(size + rng.normal(0, 0.15), 0, 1)
        low, high = kind["idw"]
        shortest, longest = kind["two_cycle"]
        crackles.append(
            Crackle(
                onset_s=float(onset),
                idw_ms=float(low + place * (high - low)),
                two_cycle_ms=float(shortest + place * (longest - shortest)),
                peak=float(rms * 10 ** ((prominence + rng.normal(0, 3)) / 20) * rng.choice((-1, 1))),
            )
        )
    return crackles


def draw_wheezes(
    rng: Generator, breath: Breath, heard: tuple[float, float], background: Background, *, pitch_hz: float
) -> list[Wheeze]:
    """Return the wheezes of one breath: one, or two to three at once (polyphonic), mostly in expiration.

    Args:
        rng: The recording's generator.
        breath: The breath.
        heard: Start and end in seconds of the span in which wheezes are placed.
        background: Power density of all other sounds.
        pitch_hz: The patient's median pitch.
    """
    rhonchus = rng.random() < 0.15
    inspiration = (breath.start_s, breath.turn_s)
    expiration = (breath.turn_s, breath.turn_s + 0.9 * (breath.end_s - breath.turn_s))
    begin, end = _inside(expiration if rng.random() < 0.75 else inspiration, heard, 0.15)
    duration = max(SHORTEST_WHEEZE_S, float(rng.uniform(0.35, 0.95)) * (end - begin))
    onset = begin + float(rng.uniform(0, 1)) * (end - begin - duration)
    wheezes = []
    for _ in range(1 if rhonchus or rng.random() < 0.65 else rng.integers(2, 4)):
        if rhonchus:
            start = float(rng.uniform(*RHONCHUS_HZ))
            weights = 10 ** (-np.arange(6) * rng.uniform(3, 6) / 20)
        else:
            start = float(np.clip(pitch_hz * np.exp(rng.normal(0, 0.3)), *WHEEZE_HZ))
            weights = 10 ** (-np.arange(3) * rng.uniform(10, 20) / 20)
        limits = RHONCHUS_HZ if rhonchus else WHEEZE_HZ
        stop = float(np.clip(start * np.exp(rng.normal(-0.05, 0.15)), *limits))
        # Prominence over the background in 20 Hz, about what a spectrogram resolves.
        density = float(background(np.array([(start + stop) / 2]))[0])
        peak = np.sqrt(2 * density * 20 * 2 / BODY_RATE) * 10 ** (rng.normal(15, 4) / 20)
        wheezes.append(
            Wheeze(
                onset_s=float(onset),
                duration_s=duration,
                start_hz=start,
                end_hz=stop,
                bow=float(np.exp(rng.normal(0, 0.07))),
                flutter=float(rng.uniform(0, 0.7)),
                flutter_hz=float(rng.uniform(2, 7)),
                harmonics=tuple(float(weight * peak) for weight in weights),
            )
        )
    return wheezes


def _inside(window: tuple[float, float], heard: tuple[float, float], shortest: float) -> tuple[float, float]:
    """Return the audible part of a window, or the whole span if that part is shorter than `shortest` seconds."""
    begin, end = max(window[0], heard[0]), min(window[1], heard[1])
    return (begin, end) if end - begin >= shortest else heard
