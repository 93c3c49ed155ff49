"""Model without a network: the classes of a segment follow from its level, so that each answer can be checked."""

import time
from dataclasses import dataclass

import numpy as np

from tasks.audio import reading
from tasks.runtime.errors import BreathlineError
from tasks.serving.answers import Model, Recording, Segment

CLASSES = ["normal", "crackle", "wheeze"]


@dataclass
class Outputs:
    probabilities: np.ndarray
    distances: np.ndarray | None = None


class FakePredictor:
    def __init__(self, delay_s=0.0, banner=None):
        self.delay_s, self.calls = delay_s, []
        self.model = Model(label="fake@v1.0.0", id="0123456789abcdef", banner=banner, classes=CLASSES)
        self.card = {"classes": CLASSES}

    def run(self, waveforms, offsets):
        self.calls.append(len(waveforms))
        time.sleep(self.delay_s)
        return Outputs(np.array([probabilities(one) for one in waveforms]))

    def predict(self, path, run, max_seconds):
        audio = reading.read(path)
        samples = audio.normalised().mean(axis=1)
        seconds = len(samples) / audio.rate
        if seconds > max_seconds:
            raise BreathlineError(f"The recording {path.name} lasts {seconds:g} s.", where=path, hint="cut it")
        windows = [samples[start : start + audio.rate] for start in range(0, len(samples), audio.rate)]
        rows = run(windows, None).probabilities
        segments = [
            Segment(
                start_s=float(index),
                end_s=min(index + 1.0, seconds),
                decision="judged",
                predicted=CLASSES[int(np.argmax(row))],
                classes=[CLASSES[int(np.argmax(row))]],
                probabilities=dict(zip(CLASSES, map(float, row), strict=True)),
                confidence=float(max(row)),
                distance=None,
                note=None,
            )
            for index, row in enumerate(rows)
        ]
        recording = Recording(
            name="",
            seconds=seconds,
            sample_rate=audio.rate,
            summary=f"{len(segments)} segments.",
            abnormal_share=0.0,
            longest_abnormal_s=0.0,
            notes=list(audio.notes),
        )
        return recording, segments


def probabilities(waveform):
    level = float(np.clip(np.abs(waveform).mean(), 0, 1)) if len(waveform) else 0.0
    return np.array([1 - level, level * 0.75, level * 0.25])
