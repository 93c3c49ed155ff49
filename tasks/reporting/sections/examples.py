"""Section of examples: the most confident right and wrong prediction of each class."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from PIL import Image

from models.decision_rules import DecisionRule
from models.frontends.settings import Pad
from models.training.features import Features
from tasks.evaluation.predictions import Predictions
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Section

WIDTH = 400  # largest width of a spectrogram in pixels: the width at which the page shows it


@dataclass(frozen=True)
class Example:
    """A test cycle with its prediction.

    Attributes:
        cycle: The row of the cycle in the table of test cycles.
        actual: The name of its class.
        predicted: The name of the predicted class.
        probabilities: The predicted probability of each class, by name.
        image: The log-mel features as a PNG in a data URL; time from left to right, frequency upwards.
        span: Start and end of the cycle as fractions of the image's width; the rest is padding.
    """

    cycle: dict[str, object]
    actual: str
    predicted: str
    probabilities: dict[str, float]
    image: str
    span: tuple[float, float]


def select(model: Predictions, labels: npt.NDArray[np.int64], classes: int) -> list[int]:
    """Return the most confident right and the most confident wrong cycle of each true class, as row numbers.

    Args:
        model: The predictions of one run.
        labels: The class of each cycle ``(cycles,)``.
        classes: The number of classes.
    """
    predicted = model.predicted[0]
    confidence = np.take_along_axis(model.probabilities[0], predicted[:, None], axis=1)[:, 0]
    kinds = [(labels == index) & ((predicted == index) == right) for index in range(classes) for right in (True, False)]
    return [int(np.where(kind, confidence, -1).argmax()) for kind in kinds if kind.any()]


def examples(model: Predictions, cycles: pl.DataFrame, classes: Sequence[str], features: Features) -> list[Example]:
    """Return the selected cycles with their spectrograms.

    Args:
        model: The predictions of one run.
        cycles: The test cycles (`tasks.evaluation.cycles`).
        classes: The names of the classes.
        features: The feature cache of the model's front end.
    """
    labels, clips = cycles["label"].to_numpy().astype(np.int64), features.clip_settings
    result = []
    for row in select(model, labels, len(classes)):
        cycle = cycles.row(row, named=True)
        mel = features.batch(features.find([cycle["cycle_id"]]), torch.device("cpu"))[0].numpy()
        fraction = min(1.0, cycle["duration_s"] / clips["duration_s"])
        result.append(
            Example(
                cycle=cycle,
                actual=classes[labels[row]],
                predicted=classes[model.predicted[0, row]],
                probabilities={name: float(model.probabilities[0, row, at]) for at, name in enumerate(classes)},
                image=spectrogram(mel),
                span=cycle_span(fraction, clips["pad"]),
            )
        )
    return result


def cycle_span(fraction: float, pad: Pad) -> tuple[float, float]:
    """Return start and end of a cycle in its clip, as fractions of the clip.

    Args:
        fraction: Length of the cycle divided by the length of the clip, 0 to 1.
        pad: The padding mode: repetition follows the cycle, zeros surround it.
    """
    return (0.0, fraction) if pad == "repeat" else ((1 - fraction) / 2, (1 + fraction) / 2)


def spectrogram(mel: npt.NDArray[np.float32]) -> str:
    """Return features ``(frames, mels)`` as a small PNG in a data URL, from their 1st to their 99th percentile."""
    step = -(-len(mel) // WIDTH)
    thin = mel[: len(mel) // step * step].reshape(-1, step, mel.shape[1]).mean(axis=1)
    low, high = np.percentile(thin, [1, 99])
    grey = np.clip((thin - low) / max(high - low, 1e-6), 0, 1)
    image = Image.fromarray((255 * grey.T[::-1]).astype(np.uint8)).convert("P")
    colours = mpl.colormaps["magma"](np.arange(256), bytes=True)[:, :3]
    image.putpalette(colours.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def content(run: RunResults) -> Mapping[str, Any]:
    """Return the values of the template: examples of the first student."""
    classes, name = run.metrics["classes"], run.first_student
    own = run.predictions.filter((pl.col("model") == name) & (pl.col("selection") == "val")).sort("cycle_id")
    probabilities = own.select(f"p_{one}" for one in classes).to_numpy()[None]
    rule = DecisionRule.from_card(run.cards[name], "val")
    model = Predictions(name, "val", probabilities, (rule,))
    return {"examples": examples(model, run.cycles, classes, run.features(name))}


SECTION = Section(title="Examples", order=600, content=content)
