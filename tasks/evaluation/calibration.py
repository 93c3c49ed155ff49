"""Calibration of probabilities: ECE, Brier score, loss, the reliability diagram, and the effect of a temperature."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tasks.evaluation.predictions import Predictions, Probabilities

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

    The confidence is the probability of the predicted class. The bins have equal width and contain their upper edge.

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


def scaled(model: Predictions) -> Probabilities | None:
    """Return the probabilities of a model with the temperature T of each run; None if a run has none.

    softmax(logits / T) is the power 1 / T of the probabilities, scaled to the sum 1.
    """
    known = [rule.temperature for rule in model.rules if rule.temperature is not None]
    if len(known) < len(model.rules):
        return None
    raised = model.probabilities.astype(np.float64) ** (1 / np.array(known)[:, np.newaxis, np.newaxis])
    return np.asarray(raised / raised.sum(axis=2, keepdims=True), dtype=np.float32)


def ece(diagram: pl.DataFrame) -> float:
    """Return the expected calibration error of a reliability diagram (Guo et al., ICML 2017): 0 is best, 1 worst."""
    gap = (pl.col("confidence") - pl.col("accuracy")).abs()
    return float(diagram.select((gap * pl.col("n")).sum() / pl.col("n").sum()).item())
