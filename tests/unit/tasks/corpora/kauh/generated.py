"""Generated recordings in KAUH's format: three filters of each patient, and the label in the name."""

from collections.abc import Collection
from pathlib import Path

from tests.unit.tasks.corpora.stages import write_noise

SECONDS = 9.0  # longer than a usual cycle
# Diagnosis, sound, location, age and sex of each patient, in spellings as they occur.
PEOPLE = (
    "N,N,P R U,34,F",
    "Asthma,I E W,P L L,70,M",
    "asthma,E W,P L L R,52,F",
    "Heart Failure + COPD,C,P R L ,57,F",
    "COPD,I C E W,A L U,66,M",
    "pneumonia,I C,P R M,59,M",
    "BRON,Crep,P L L,24,F",
    "Lung Fibrosis,Bronchial,P R L,90,M",
    "Plueral Effusion,I C B,P L M,81,M",
    "N,N,A R U,22,M",
)


def names(people: Collection[str] = PEOPLE) -> list[str]:
    """Return the names of the recordings of some patients."""
    return [f"{letter}P{number}_{person}" for number, person in enumerate(people, 1) for letter in "BDE"]


def lay_out(root: Path, recordings: Collection[str]) -> Path:
    """Write recordings of noise in a folder, and return it."""
    for seed, name in enumerate(recordings):
        write_noise(root / "Audio Files" / f"{name}.wav", seed, SECONDS)
    return root
