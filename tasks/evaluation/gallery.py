"""Some test cycles as a student sees them: the surest right and the surest wrong answer of each class."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import polars as pl
import torch
from PIL import Image

from models.frontends.settings import Pad
from models.training.features import Features
from tasks.evaluation.predictions import Predictions

WIDTH = 400  # pixels at most: as wide as the page shows it


@dataclass(frozen=True)
class Example:
    """A test cycle and what was said of it.

    Attributes:
        cycle: `cycle_id` and what else is known of it.
        actual: The name of its class.
        predicted: The name of the predicted class.
        probabilities: Of each class, by name.
        image: A PNG of the log-mel features as a data URL; time runs right, frequency up.
        own: Between which fractions of the image's width the cycle itself stands.
    """

    cycle: dict[str, object]
    actual: str
    predicted: str
    probabilities: dict[str, float]
    image: str
    own: tuple[float, float]


def choose(model: Predictions, labels: npt.NDArray[np.int64], classes: int) -> list[int]:
    """Return for each class the cycle that is rightly, and the one that is wrongly, called with the most confidence."""
    predicted, sure = model.predicted[0], model.probabilities[0].max(axis=1)
    kinds = [(labels == index) & ((predicted == index) == right) for index in range(classes) for right in (True, False)]
    return [int(np.where(kind, sure, -1).argmax()) for kind in kinds if kind.any()]


def examples(model: Predictions, cycles: pl.DataFrame, classes: Sequence[str], features: Features) -> list[Example]:
    """Return the chosen cycles with their pictures.

    Args:
        model: Of one run.
        cycles: The test cycles (`tasks.evaluation.cycles`).
        classes: The names of the classes.
        features: The cache of the model's front end.
    """
    labels = cycles["label"].to_numpy().astype(np.int64)
    result = []
    for row in choose(model, labels, len(classes)):
        cycle = cycles.row(row, named=True)
        mel = features.batch(features.find([cycle["cycle_id"]]), torch.device("cpu"))[0].numpy()
        result.append(
            Example(
                cycle=cycle,
                actual=classes[labels[row]],
                predicted=classes[model.predicted[0, row]],
                probabilities={name: float(model.probabilities[0, row, at]) for at, name in enumerate(classes)},
                image=picture(mel),
                own=place(min(1.0, cycle["duration_s"] / features.clips["duration_s"]), features.clips["pad"]),
            )
        )
    return result


def place(share: float, pad: Pad) -> tuple[float, float]:
    """Return where a cycle that makes up a share of its clip begins and ends, as fractions of the clip."""
    return (0.0, share) if pad == "repeat" else ((1 - share) / 2, (1 + share) / 2)


def picture(mel: npt.NDArray[np.float32]) -> str:
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
