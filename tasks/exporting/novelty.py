"""Distance of an embedding from those of the training cycles: a Mahalanobis distance by probabilistic PCA.

The leading principal components of the training embeddings are scaled to variance 1, and all other directions by their
mean variance (Tipping & Bishop, 1999). The other directions matter: a tone or speech is often within the spread of the
training cycles along the leading components, and far from them elsewhere (docs/reference/artifacts.md).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.prediction.fact_parts import Novelty

MAX_DIMENSIONS = 32
CYCLES_PER_DIMENSION = 10  # fewer training cycles do not measure the variance of a component
LEAST_VARIANCE = 1e-4  # of a leading component, as a share of the largest one
LEAST_REST = 1e-6  # of the other directions
DIGITS = 6  # of a threshold, rounded up
Embeddings = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Whitening:
    """Space of the distances: the norm of ``(embedding - mean) @ components.T``.

    Attributes:
        mean: Mean embedding ``(features,)``.
        components: Inverse square root of the covariance, a symmetric matrix ``(features, features)``.
    """

    mean: npt.NDArray[np.float32]
    components: npt.NDArray[np.float32]

    def distances(self, embeddings: Embeddings) -> npt.NDArray[np.float64]:
        """Return the distance of each embedding ``(cycles, features)``."""
        centred = embeddings.astype(np.float64) - self.mean.astype(np.float64)
        return np.asarray(np.sqrt(((centred @ self.components.T.astype(np.float64)) ** 2).sum(axis=1)))


def fit(embeddings: Embeddings) -> tuple[Whitening, int] | None:
    """Return the space of the distances and its number of leading components.

    Args:
        embeddings: Embeddings of the training cycles ``(cycles, features)``.

    Returns:
        None if all embeddings are equal, or if there are too few.
    """
    dimensions = min(MAX_DIMENSIONS, len(embeddings) // CYCLES_PER_DIMENSION)
    values = embeddings.astype(np.float64)
    mean = values.mean(axis=0)
    centred = values - mean
    ascending, vectors = np.linalg.eigh(centred.T @ centred / max(1, len(values) - 1))
    variances, vectors = ascending[::-1], vectors[:, ::-1]
    largest = float(variances[0])
    if dimensions < 1 or largest <= (1e-6 * float(np.abs(values).max())) ** 2:  # the rounding of float32
        return None
    kept = int((variances[:dimensions] > LEAST_VARIANCE * largest).sum())
    rest = math.sqrt(max(float(variances[kept:].mean()) if kept < len(variances) else 0.0, LEAST_REST * largest))
    leading = vectors[:, :kept]
    components = (leading * (1 / np.sqrt(variances[:kept]) - 1 / rest)) @ leading.T + np.eye(len(mean)) / rest
    return Whitening(mean.astype(np.float32), components.astype(np.float32)), kept


def limit(distances: npt.NDArray[np.float64], *, quantile: float, dimensions: int) -> Novelty:
    """Return the threshold that a share of the validation cycles is below.

    Args:
        distances: Distances of the validation cycles.
        quantile: Share of them that is within the threshold (0 to 1).
        dimensions: Number of leading components.
    """
    threshold = float(np.quantile(distances, quantile, method="higher"))
    rounded = math.ceil(threshold * 10**DIGITS) / 10**DIGITS
    return Novelty(quantile=quantile, threshold=rounded, dimensions=dimensions)
