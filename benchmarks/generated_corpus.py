"""Generated recordings in ICBHI's format for benchmarks of large corpora: hours of audio in seconds.

A recording has 20 s at 4 kHz and 16 bits, and four cycles of 2.5 s with pauses as long: noise with the envelope of a
breath, with impulses for crackles and a tone for wheezes. The demo corpus sounds better, and takes far longer.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from tasks.corpora.icbhi.metadata import DEMOGRAPHICS_FILE, DIAGNOSIS_FILE, FOLDS_FILE, SPLIT_FILE
from tasks.corpora.icbhi.names import CHEST_LOCATIONS, DEVICES

RATE = 4000  # Hz
SECONDS = 20  # length of a recording
CYCLES = 4  # cycles of a recording
EVERY_S = SECONDS / CYCLES  # time from the start of a cycle to that of the next one
CYCLE_S = EVERY_S / 2
PER_HOUR = 3600 // SECONDS  # recordings in an hour of audio
RECORDINGS = 10  # largest number of recordings of a patient
PATIENTS = 10  # number of patients of a small corpus
FIRST_PATIENT = 1001  # no recording has the name of one of ICBHI's
SHARES = (0.53, 0.27, 0.13, 0.07)  # of normal, crackle, wheeze and both, as in ICBHI
DIAGNOSES = ("COPD", "Healthy", "Pneumonia", "URTI")

Samples = npt.NDArray[np.float32]


def write(folder: Path, recordings: int, *, seed: int = 0) -> None:
    """Write recordings, annotations and metadata into a new folder; three of five patients are for training.

    Args:
        folder: The new folder.
        recordings: Number of recordings.
        seed: Random seed.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    samples = RATE * SECONDS
    noise = rng.normal(0, 0.1, 16 * samples).astype(np.float32)
    breath, sounds = np.tile(_breath(), CYCLES), _sounds()
    each = min(RECORDINGS, max(1, recordings // PATIENTS))
    split = []
    for number in range(recordings):
        patient, index = divmod(number, each)
        place = f"{CHEST_LOCATIONS[index % len(CHEST_LOCATIONS)]}_sc_{DEVICES[patient % len(DEVICES)]}"
        name = f"{FIRST_PATIENT + patient}_{index + 1}b1_{place}"
        classes = rng.choice(len(SHARES), CYCLES, p=SHARES)
        start, gain = rng.integers(len(noise) - samples), rng.uniform(0.5, 1.0)
        audio = gain * (noise[start : start + samples] * breath + sounds[classes].ravel())
        soundfile.write(folder / f"{name}.wav", (32767 * audio).astype(np.int16), RATE, subtype="PCM_16")
        _write_lines(folder / f"{name}.txt", map(_annotation, range(CYCLES), classes.tolist()))
        split.append(f"{name}\t{'train' if patient % 5 < 3 else 'test'}")
    people = range(-(-recordings // each))
    _write_lines(folder / SPLIT_FILE, split)
    _write_lines(
        folder / DIAGNOSIS_FILE, (f"{FIRST_PATIENT + one}\t{DIAGNOSES[one % len(DIAGNOSES)]}" for one in people)
    )
    _write_lines(folder / DEMOGRAPHICS_FILE, (f"{FIRST_PATIENT + one}\t60\tF\t25\tNA\tNA" for one in people))
    _write_lines(folder / FOLDS_FILE, (f"{FIRST_PATIENT + one} {one % 5}" for one in people))


def _breath() -> Samples:
    """Return the envelope of a cycle, with inspiration and expiration, and of the pause after it."""
    phase = np.linspace(0, 2 * np.pi, int(RATE * CYCLE_S), endpoint=False)
    return np.concatenate([0.2 + 0.8 * np.sin(phase) ** 2, np.full(len(phase), 0.2)]).astype(np.float32)


def _sounds() -> Samples:
    """Return what is added to the noise of a cycle of each class and of the pause after it, ``(classes, samples)``."""
    time = np.arange(int(RATE * CYCLE_S)) / RATE
    pause = np.zeros((len(SHARES), len(time)))
    crackles = np.where(np.arange(len(time)) % (RATE // 20) < 8, 0.3, 0.0)
    wheezes = 0.2 * np.sin(2 * np.pi * 400 * time)
    cycles = np.stack([np.zeros_like(time), crackles, wheezes, crackles + wheezes])
    return np.concatenate([cycles, pause], axis=1).astype(np.float32)


def _annotation(number: int, label: int) -> str:
    """Return the line of a cycle: start and end in seconds, crackles, wheezes."""
    return f"{number * EVERY_S}\t{number * EVERY_S + CYCLE_S}\t{label % 2}\t{label // 2}"


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
