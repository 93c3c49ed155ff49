"""Recordings of a generated sound on disk, and models with a normalisation that predict them."""

import json
from pathlib import Path

import numpy as np
import soundfile

from tasks.prediction import predictor
from tasks.prediction.predictor import Predictor
from tests.unit.tasks import models_on_disk

RATE = 8000


def sound(seconds: float) -> np.ndarray:
    """Return samples that 16 bits hold exactly: noise that grows louder and a tone that rises."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(0).normal(0, 0.03, len(time)) * (1 + time)
    return np.round((noise + 0.2 * np.sin(2 * np.pi * (100 + 150 * time) * time)) * 2**15) / 2**15


def write(path: Path, seconds: float = 2.25) -> Path:
    soundfile.write(path, sound(seconds), RATE, subtype="PCM_16")
    return path


def normalised(folder: Path, kind: dict[str, str]) -> Predictor:
    """Return a model with a normalisation."""
    card = models_on_disk.write(folder) / "model.json"
    values = json.loads(card.read_text())
    mean = np.linspace(-0.5, 0.5, values["mels"])
    settings = {"level": "none", "spectrum": "none"} | kind
    card.write_text(json.dumps(values | {"normalization": settings | {"mean": mean.tolist()}}))
    return predictor.load(folder, "toy")


def annotated(folder: Path, name: str, seconds: float, gain: float) -> Path:
    wav = folder / f"{name}.wav"
    soundfile.write(wav, gain * sound(seconds), RATE, subtype="PCM_16")
    cycles = [f"{start}\t{start + 0.75}\t0\t0" for start in np.arange(0, seconds - 0.75, 0.75)]
    (folder / f"{name}.txt").write_text("\n".join(cycles) + "\n")
    return wav
