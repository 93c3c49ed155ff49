"""Calibration of probabilities: ECE, Brier score, loss, the reliability diagram, and the effect of a temperature."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.evaluation.predictions import Predictions, Probabilities
from tasks.evaluation.rounding import rounded

LEAST = np.finfo(np.float32).tiny  # probability whose logarithm is taken instead of that of 0


def brier(labels: npt.NDArray[Any], probabilities: Probabilities) -> float:
    """Return the mean over cycles of the squared error summed over classes (Brier, 1950): 0 is best, 2 worst.

    Args:
        labels: The class of each cycle ``(cycles,)``.
        probabilities: The predicted probabilities ``(runs, cycles, classes)``.
    """
    truth = np.eye(probabilities.shape[2])[labels]
    return float(((probabilities.astype(np.float64) - truth) ** 2).sum(axis=2).mean())


def reliability(labels: npt.NDArray[Any], probabilities: Probabilities, bins: int) -> pl.DataFrame:
    """Return a row for each bin of confidence that is not empty: `low`, `high`, `n`, `confidence`, `accuracy`.

    The confidence is the largest probability. The bins have equal width and contain their upper edge. All runs share
    them.

    Args:
        labels: The class of each cycle ``(cycles,)``.
        probabilities: The predicted probabilities ``(runs, cycles, classes)``.
        bins: Number of bins between 0 and 1.
    """
    confidence = probabilities.max(axis=2).astype(np.float64).ravel()
    correct = (probabilities.argmax(axis=2) == labels).ravel()
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    frame = pl.DataFrame({"bin": index, "confidence": confidence, "accuracy": correct.astype(np.float64)})
    return (
        frame.group_by("bin")
        .agg(n=pl.len(), confidence=pl.mean("confidence"), accuracy=pl.mean("accuracy"))
        .sort("bin")
        .select(
            low=pl.col("bin") / bins,
            high=(pl.col("bin") + 1) / bins,
            n="n",
            confidence="confidence",
            accuracy="accuracy",
        )
    )


def loss(labels: npt.NDArray[Any], probabilities: Probabilities) -> float:
    """Return the mean negative log-likelihood over cycles and runs; 0 is best.

    Args:
        labels: The class of each cycle ``(cycles,)``.
        probabilities: The predicted probabilities ``(runs, cycles, classes)``.
    """
    given = np.take_along_axis(probabilities, np.asarray(labels)[np.newaxis, :, np.newaxis], axis=2)
    return float(-np.log(np.maximum(given.astype(np.float64), LEAST)).mean())


def figures(labels: npt.NDArray[Any], model: Predictions, bins: int) -> dict[str, Any]:
    """Return the calibration of a model, and as `scaled` that with its `temperature`, if there is one.

    ECE, Brier score and loss are means over runs; `bins` are those of all runs together.

    Args:
        labels: The class of each cycle ``(cycles,)``.
        model: The predictions of a model.
        bins: Number of bins of confidence between 0 and 1.
    """
    with_temperature = scaled(model)
    temperatures = [rule.temperature for rule in model.rules if rule.temperature is not None]
    return {
        **_figures(labels, model.probabilities, bins),
        "temperature": None if with_temperature is None else rounded(np.mean(temperatures), 4),
        "scaled": None if with_temperature is None else _figures(labels, with_temperature, bins),
    }


def _figures(labels: npt.NDArray[Any], probabilities: Probabilities, bins: int) -> dict[str, Any]:
    diagram = reliability(labels, probabilities, bins)
    return {
        "ece": rounded(ece(labels, probabilities, bins), 4),
        "brier": rounded(brier(labels, probabilities), 4),
        "loss": rounded(loss(labels, probabilities), 4),
        "bins": [
            {key: value if key == "n" else rounded(value, 4) for key, value in row.items()}
            for row in diagram.to_dicts()
        ],
    }


def scaled(model: Predictions) -> Probabilities | None:
    """Return the probabilities of a model with the temperature T of each run; None if a run has none.

    softmax(logits / T) is the power 1 / T of the probabilities, scaled to the sum 1.
    """
    known = [rule.temperature for rule in model.rules if rule.temperature is not None]
    if len(known) < len(model.rules):
        return None
    raised = model.probabilities.astype(np.float64) ** (1 / np.array(known)[:, np.newaxis, np.newaxis])
    return np.asarray(raised / raised.sum(axis=2, keepdims=True), dtype=np.float32)


def ece(labels: npt.NDArray[Any], probabilities: Probabilities, bins: int) -> float:
    """Return the expected calibration error (Guo et al., ICML 2017) as the mean over runs: 0 is best, 1 worst.

    Each run has bins of its own. In common bins, an overconfident run would cancel an underconfident one.

    Args:
        labels: The class of each cycle ``(cycles,)``.
        probabilities: The predicted probabilities ``(runs, cycles, classes)``.
        bins: Number of bins between 0 and 1.
    """
    gap = (pl.col("confidence") - pl.col("accuracy")).abs()
    mean = (gap * pl.col("n")).sum() / pl.col("n").sum()
    return float(np.mean([reliability(labels, run[np.newaxis], bins).select(mean).item() for run in probabilities]))
