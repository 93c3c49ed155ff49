"""Calibrated probabilities: those of a network, divided by its temperature."""

from typing import Any

import numpy as np
import numpy.typing as npt


def calibrate(probabilities: npt.NDArray[Any], temperature: float | None) -> npt.NDArray[np.float64]:
    """Return softmax(logits / T) from the probabilities softmax(logits): their power 1 / T, scaled to the sum 1.

    Args:
        probabilities: Probabilities of the network ``(..., classes)``.
        temperature: Temperature T; None leaves the probabilities as they are.
    """
    given = np.asarray(probabilities, dtype=np.float64)
    if temperature is None:
        return given
    raised = given ** (1 / temperature)
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
