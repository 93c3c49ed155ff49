"""Distance of an embedding from those of the training cycles, after PCA whitening.

The principal components of the training embeddings are scaled to variance 1. The distance is the norm there: a
Mahalanobis distance in the directions in which training cycles differ (Lee et al., NeurIPS 2018, without classes).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.prediction.facts import Novelty

MAX_DIMENSIONS = 32
CYCLES_PER_DIMENSION = 10  # fewer training cycles do not measure the variance of a component
LEAST_VARIANCE = 1e-4  # of a component, as a share of the largest one
DIGITS = 6  # of a threshold, rounded up
Embeddings = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Whitening:
    """PCA whitening: ``(embedding - mean) @ components.T`` has mean 0 and variance 1 over the training cycles.

    Attributes:
        mean: Mean embedding ``(features,)``.
        components: Principal components, each divided by its standard deviation ``(dimensions, features)``.
    """

    mean: npt.NDArray[np.float32]
    components: npt.NDArray[np.float32]

    def distances(self, embeddings: Embeddings) -> npt.NDArray[np.float64]:
        """Return the distance of each embedding ``(cycles, features)``."""
        centred = embeddings.astype(np.float64) - self.mean.astype(np.float64)
        return np.asarray(np.sqrt(((centred @ self.components.T.astype(np.float64)) ** 2).sum(axis=1)))


def fit(embeddings: Embeddings) -> Whitening | None:
    """Return the whitening of training embeddings ``(cycles, features)``; None if all are equal or there are too few.

    The sign of a component is that of its largest weight, so that equal embeddings give equal bytes.
    """
    dimensions = min(MAX_DIMENSIONS, len(embeddings) // CYCLES_PER_DIMENSION)
    values = embeddings.astype(np.float64)
    mean = values.mean(axis=0)
    centred = values - mean
    variances, vectors = np.linalg.eigh(centred.T @ centred / max(1, len(values) - 1))
    largest = float(variances[-1])
    if dimensions < 1 or largest <= (1e-6 * float(np.abs(values).max())) ** 2:  # the rounding of float32
        return None
    kept = [index for index in np.argsort(variances)[::-1][:dimensions] if variances[index] > LEAST_VARIANCE * largest]
    chosen = vectors[:, kept]
    signs = np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(len(kept))])
    components = chosen * signs / np.sqrt(variances[kept])
    return Whitening(mean.astype(np.float32), np.ascontiguousarray(components.T, dtype=np.float32))


def limit(distances: npt.NDArray[np.float64], *, quantile: float, dimensions: int) -> Novelty:
    """Return the threshold that a share of the validation cycles is below.

    Args:
        distances: Distances of the validation cycles.
        quantile: Share of them that is within the threshold (0 to 1).
        dimensions: Number of components in which distances are measured.
    """
    threshold = float(np.quantile(distances, quantile, method="higher"))
    rounded = math.ceil(threshold * 10**DIGITS) / 10**DIGITS
    return Novelty(quantile=quantile, threshold=rounded, dimensions=dimensions)
