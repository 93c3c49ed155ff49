"""Recordings of a patient: breaths, annotated cycles, crackles and wheezes."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.special import expit
from scipy.stats import norm

from tasks.corpora.contents import Cycle
from tasks.corpora.demo.cohort import RECORDING_SD, Patient
from tasks.corpora.demo.devices import DEVICES
from tasks.corpora.demo.draws import Stream, generator
from tasks.corpora.icbhi.annotations import cycle
from tasks.corpora.icbhi.names import RecordingName

# Log-odds of adventitious sounds by chest location, relative to the average. The lungs' bases have most crackles.
_LOCATIONS = {"Tc": -1.8, "Al": -0.4, "Ar": -0.4, "Pl": 0.9, "Pr": 0.1, "Ll": 0.7, "Lr": 0.8}
# Numbers of recordings of a session and their probabilities: several channels at once (mc), or in turn (sc).
_CHANNELS = {"AKGC417L": ((5, 6, 7), (0.30, 0.40, 0.30)), "LittC2SE": ((2, 3, 4), (0.3, 0.4, 0.3))}
_SINGLE = {"COPD": ((3, 4, 5, 6), (0.25, 0.25, 0.25, 0.25)), "other": ((1, 2, 3), (0.65, 0.25, 0.10))}
# ICBHI's recordings mostly last 20 s; these are shorter, to make the demo quick.
_DURATION_S = 12.0
_SHORTEST_CYCLE_S, _LONGEST_CYCLE_S = 0.2, 16.0


@dataclass(frozen=True, kw_only=True)
class Breath:
    """One breath: inspiration, then expiration, in seconds of the recording, which it may overlap in part."""

    start_s: float
    turn_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Planned recording; `annotated` has the annotated breaths with their cycles, in order."""

    name: RecordingName
    key: tuple[int, ...]
    rate: int
    subtype: str
    duration_s: float
    breaths: tuple[Breath, ...]
    annotated: tuple[tuple[Breath, Cycle], ...]


def recordings(seed: int, patient: Patient) -> list[Recording]:
    """Return a patient's recordings, by name.

    The channels of a session that were recorded at the same time (mc) share their breaths and the times of their
    cycles. The sounds differ by location.
    """
    rng = generator(seed, Stream.SESSION, patient.number)
    device = DEVICES[patient.device]
    several = device.mode == "mc"
    kind = "COPD" if patient.diagnosis == "COPD" else "other"
    counts, chances = _CHANNELS[patient.device] if several else _SINGLE[kind]
    count = int(rng.choice(counts, p=chances))
    formats = [form for form, _ in device.formats]
    rate, subtype = formats[int(rng.choice(len(formats), p=[chance for _, chance in device.formats]))]
    index = f"{rng.integers(1, 4)}{'bp'[int(rng.random() < 0.2)]}{rng.integers(1, 5)}"
    # Stratified quantiles of the normal distribution, so that a session has recordings with many and with few sounds.
    slices = (np.array([rng.permutation(count), rng.permutation(count)]) + rng.random((2, count))) / count
    made = []
    # The Littmann 3200 was never used over the trachea.
    locations = [location for location in _LOCATIONS if (patient.device, location) != ("Litt3200", "Tc")]
    for channel, location in enumerate(rng.permutation(locations)[:count]):
        key = (patient.number, channel)
        timing = generator(seed, Stream.BREATHING, patient.number, 0 if several else channel)
        duration_s, breaths, times = _breathing(timing, patient)
        crackle_share = _share(patient.crackle_log_odds + _LOCATIONS[location], slices[0, channel])
        wheeze_share = _share(patient.wheeze_log_odds, slices[1, channel])
        # In ICBHI, whether a cycle crackles and whether it wheezes are independent of each other.
        heard = generator(seed, Stream.LABELS, *key).random((len(breaths), 2)) < (crackle_share, wheeze_share)
        annotated = tuple(
            (breaths[i], cycle(start, end, crackles=int(heard[i, 0]), wheezes=int(heard[i, 1])))
            for i, start, end in times
        )
        name = RecordingName(
            patient_id=str(patient.number),
            recording_index=index,
            location=str(location),
            mode=device.mode,
            device=patient.device,
        )
        made.append(
            Recording(
                name=name,
                key=key,
                rate=rate,
                subtype=subtype,
                duration_s=duration_s,
                breaths=breaths,
                annotated=annotated,
            )
        )
    return sorted(made, key=lambda recording: str(recording.name))


def _breathing(rng: Generator, patient: Patient) -> tuple[float, tuple[Breath, ...], list[tuple[int, float, float]]]:
    """Return a recording's duration, its breaths, and (breath, start, end) of each annotated cycle, in seconds.

    Breathing is regular except for a few cycles, and the recording cuts into the first and the last one. In ICBHI, the
    logarithm of a cycle's length relative to its recording's median has quartiles of −0.08 and 0.06. Its 98th
    percentile is 0.46. A first cycle is 23 % and a last one 44 % shorter in the mean of that logarithm.
    """
    typical = patient.breath_s * float(np.exp(rng.normal(0, 0.12)))
    start = -float(rng.uniform(0, 1)) * typical
    duration_s = _DURATION_S
    breaths: list[Breath] = []
    while start < duration_s:
        spread = 0.25 if rng.random() < 0.2 else 0.07
        length = typical * float(np.exp(rng.normal(0, spread)))
        if rng.random() < 0.006:  # a sigh, a pause or an overlooked boundary
            length *= float(rng.uniform(1.8, 4.5))
        length = float(np.clip(length, 0.6, _LONGEST_CYCLE_S))
        turn = start + length * float(np.clip(rng.normal(0.40, 0.03), 0.3, 0.5))
        breaths.append(Breath(start_s=start, turn_s=turn, end_s=start + length))
        start += length
        if len(breaths) == 2:  # one whole cycle fits, even in slow breathing
            duration_s = max(duration_s, float(np.ceil(start + 0.5)))

    first_heard = float(rng.exponential(0.15))
    times = []
    for number, breath in enumerate(breaths):
        begin, end = max(breath.start_s, first_heard), min(breath.end_s, duration_s - 0.02)
        # The shorter the remaining part of a cut breath, the more rarely it is annotated.
        whole = (end - begin) / (breath.end_s - breath.start_s)
        if end - begin < _SHORTEST_CYCLE_S + 0.001 or rng.random() > whole:
            continue
        times.append((number, round(begin, 3), round(end, 3)))
    return duration_s, tuple(breaths), times


def _share(log_odds: float, slice_: float) -> float:
    """Return the share of a recording's cycles with a sound, by the recording's rank in its session."""
    return float(expit(log_odds + RECORDING_SD * norm.ppf(slice_)))
