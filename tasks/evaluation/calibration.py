"""Whether a probability means what it says."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def reliability(
    probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], bins: int
) -> list[dict[str, float]]:
    """Return, per bin of confidence that holds cycles, its mean confidence, accuracy and share of the cycles."""
    confidence, correct = probabilities.max(1).astype(np.float64), probabilities.argmax(1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "confidence": float(confidence[place == at].mean()),
            "accuracy": float(correct[place == at].mean()),
            "share": float((place == at).mean()),
        }
        for at in np.unique(place)
    ]


def expected_calibration_error(
    probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], bins: int
) -> float:
    """Return the ECE (Guo et al., ICML 2017): mean |accuracy − confidence| over bins, weighted by cycles."""
    return sum(
        part["share"] * abs(part["accuracy"] - part["confidence"]) for part in reliability(probabilities, labels, bins)
    )


def brier(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> float:
    """Return the multi-class Brier score (Brier, 1950): mean squared distance to the one-hot label, from 0 to 2."""
    wanted = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - wanted) ** 2).sum(1).mean())
