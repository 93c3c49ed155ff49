"""Sound and files of one recording."""

from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.random import Generator
from numpy.typing import NDArray

from tasks.corpora.demo import adventitious, cohort, schedule
from tasks.corpora.demo.breath import BODY_RATE, BreathSpectrum, breath_noise
from tasks.corpora.demo.devices import DEVICES, Device, digitise, gain, pick_up
from tasks.corpora.demo.draws import Stream, generator
from tasks.corpora.demo.surroundings import ambient_noise, heart_sounds

# Margin in seconds between a crackle or wheeze and the ends of its cycle.
_MARGIN_S = 0.01


def write_patient(database: Path, seed: int, number: int) -> list[str]:
    """Write wav and annotation file of all recordings of one patient, and return the recordings' names.

    Args:
        database: Folder of the recordings.
        seed: Random seed of the corpus.
        number: Number of the patient.
    """
    patient = cohort.patient(seed, number)
    names = []
    for recording in schedule.recordings(seed, patient):
        name = str(recording.name)
        samples = sound(seed, patient, recording)
        # Through memory: libsndfile does not say why it cannot write a file.
        wav = BytesIO()
        sf.write(wav, samples, recording.rate, subtype=recording.subtype, format="WAV")
        (database / f"{name}.wav").write_bytes(wav.getbuffer())
        lines = (
            f"{cycle.start_s:.7g}\t{cycle.end_s:.7g}\t{cycle.own['icbhi_crackles']}\t{cycle.own['icbhi_wheezes']}\n"
            for _, cycle in recording.annotated
        )
        (database / f"{name}.txt").write_text("".join(lines), encoding="ascii", newline="")
        names.append(name)
    return names


def sound(seed: int, patient: cohort.Patient, recording: schedule.Recording) -> NDArray[np.float64]:
    """Return the samples of a recording, within −1 to 1, at its own rate."""
    rng = generator(seed, Stream.SOUND, *recording.key)
    location = recording.name.location
    device = DEVICES[recording.name.device]
    samples = round(recording.duration_s * BODY_RATE)
    spectrum = BreathSpectrum.draw(rng, trachea=location == "Tc", level_db=patient.breath_db, tilt_db=patient.tilt_db)
    body = breath_noise(rng, recording.breaths, spectrum, samples)
    body += heart_sounds(rng, samples, rate_bpm=patient.heart_rate, location=location)
    body += ambient_noise(rng, samples)
    _add_adventitious(rng, body, patient, recording, _background(spectrum, device))
    recorded = pick_up(rng, body, BODY_RATE, device, recording.rate)
    return digitise(rng, recorded, device, recording.subtype)


def _background(spectrum: BreathSpectrum, device: Device) -> adventitious.Background:
    """Return the power density of breathing and of the device's noise, referred to the chest."""

    def density(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
        noise = gain(device.floor_db, frequencies) / gain(device.response_db, frequencies)
        return np.asarray((0.6 * spectrum.amplitude(frequencies, inspiration=True)) ** 2 + noise**2)

    return density


def _add_adventitious(
    rng: Generator,
    body: NDArray[np.float64],
    patient: cohort.Patient,
    recording: schedule.Recording,
    background: adventitious.Background,
) -> None:
    """Add crackles and wheezes in place, inside the annotated part of each breath."""
    for breath, cycle in recording.annotated:
        heard = (cycle.start_s + _MARGIN_S, cycle.end_s - _MARGIN_S)
        if cycle.own["icbhi_crackles"]:
            for crackle in adventitious.draw_crackles(
                rng, breath, heard, background, fine=patient.fine, size=patient.crackle_size
            ):
                part, times = _span(body, crackle.onset_s, crackle.two_cycle_ms / 1000)
                part += adventitious.crackle_wave(crackle, times)
        if cycle.own["icbhi_wheezes"]:
            for wheeze in adventitious.draw_wheezes(rng, breath, heard, background, pitch_hz=patient.wheeze_hz):
                part, times = _span(body, wheeze.onset_s, wheeze.duration_s)
                part += adventitious.wheeze_wave(wheeze, times)


def _span(
    sound: NDArray[np.float64], onset_s: float, duration_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a view of the part of a sound that an event covers, and the times of its samples in seconds."""
    first, last = int(onset_s * BODY_RATE), int((onset_s + duration_s) * BODY_RATE) + 2
    part = sound[first:last]
    return part, (first + np.arange(len(part))) / BODY_RATE
