"""Projections of embeddings into the plane: PCA and t-SNE."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TSNE_INPUT = 50  # number of principal components that t-SNE gets, as van der Maaten & Hinton (2008) advise
TSNE_ITERATIONS = 500
MIN_POINTS = 5  # of t-SNE

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Projections:
    """Two coordinates of each cycle by each projection, and the variance that the PCA keeps.

    Attributes:
        pca: Coordinates ``(cycles, 2)``.
        tsne: Coordinates ``(cycles, 2)``; None for fewer than `MIN_POINTS` cycles.
        explained: Percentage of the variance along each of the two principal components.
    """

    pca: Array
    tsne: Array | None
    explained: tuple[float, float]


def standardize(embeddings: npt.NDArray[np.float32]) -> Array | None:
    """Return embeddings ``(cycles, features)`` with mean 0 and variance 1 of each feature.

    Features without variance become 0. None if no feature has any: the network gives every cycle the same embedding.
    """
    values = embeddings.astype(np.float64)
    centred = values - values.mean(0)
    deviation = centred.std(0)
    varying = deviation > 1e-6 * np.abs(values).max(0)  # beyond the rounding of float32
    if not varying.any():
        return None
    return np.asarray(np.where(varying, centred / np.where(varying, deviation, 1.0), 0.0))


def project(points: Array, *, perplexity: float, seed: int) -> Projections:
    """Return the projections of standardised embeddings.

    Args:
        points: Standardised embeddings ``(cycles, features)``.
        perplexity: Perplexity of t-SNE; a third of the number of cycles if that is less.
        seed: Random seed of t-SNE.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    number, features = points.shape
    fitted = PCA(min(TSNE_INPUT, number, features), svd_solver="full").fit(points)
    components = fitted.transform(points)
    plane, explained = np.zeros((number, 2)), np.zeros(2)
    kept = min(2, components.shape[1])
    plane[:, :kept], explained[:kept] = components[:, :kept], 100 * fitted.explained_variance_ratio_[:kept]
    tsne = None
    if number >= MIN_POINTS:
        tsne = TSNE(
            init=_start(plane),
            perplexity=min(perplexity, (number - 1) / 3),
            max_iter=TSNE_ITERATIONS,
            random_state=seed,
            n_jobs=1,
        ).fit_transform(components)
    return Projections(plane, tsne, (float(explained[0]), float(explained[1])))


def _start(plane: Array) -> npt.NDArray[np.float32]:
    """Return the usual start of t-SNE: the principal components, with a small variance."""
    return np.asarray(plane / plane[:, 0].std() * 1e-4, dtype=np.float32)
