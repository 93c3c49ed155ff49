"""Generated cycles and embeddings with a known answer."""

import numpy as np
import numpy.typing as npt
import polars as pl

CLASSES = ("normal", "crackle", "wheeze", "both")
DEVICES = ("AKGC417L", "Meditron")
PATIENTS, EACH = 20, 12


def cycles() -> pl.DataFrame:
    """Return the table of 240 test cycles of 20 patients, each with two recordings; a patient has one device."""
    rows = [
        {
            "subset": "test",
            "cycle_id": f"{101 + patient}_{number:03}",
            "corpus": "demo",
            "recording_id": f"{101 + patient}_{number % 2}",
            "patient_id": str(101 + patient),
            "device": DEVICES[patient % 2],
            "location": ("Al", "Pr", "Tc")[number % 3],
            "label": (patient + number) % 4,
            "class_name": CLASSES[(patient + number) % 4],
        }
        for patient in range(PATIENTS)
        for number in range(EACH)
    ]
    return pl.DataFrame(rows).sort("cycle_id")


def noise(features: int = 8, seed: int = 0) -> npt.NDArray[np.float64]:
    """Return embeddings ``(cycles, features)`` that depend on nothing."""
    return np.random.default_rng(seed).normal(size=(PATIENTS * EACH, features))


def separated(column: str, distance: float = 12.0) -> npt.NDArray[np.float64]:
    """Return embeddings in which the values of a column are far from each other, and nothing else matters."""
    values = cycles()[column].rank("dense").to_numpy().astype(int) - 1
    centres = np.random.default_rng(1).normal(size=(values.max() + 1, 8))
    return noise() + distance * centres[values]
