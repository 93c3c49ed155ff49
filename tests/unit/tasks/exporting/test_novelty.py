"""Distances of embeddings from those of training cycles."""

import numpy as np

from tasks.exporting import novelty

SCALES = np.array([5, 2, 1, 0.01, 0.01, 0.01])  # of the features: three vary, three hardly do


def embeddings(number: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(number, 6)) * SCALES + 7).astype(np.float32)


def test_leading_components_have_variance_one_and_the_others_their_mean_variance():
    whitening, dimensions = novelty.fit(embeddings(400, 1))
    assert dimensions == 3, "components of little variance are not leading"
    points = (embeddings(400, 1).astype(float) - whitening.mean) @ whitening.components.T
    assert np.abs(points.mean(axis=0)).max() < 1e-2
    assert np.abs(np.cov(points.T) - np.eye(6)).max() < 0.2
    assert np.abs(np.cov(points.T)[:3, :3] - np.eye(3)).max() < 1e-2
    assert np.allclose(whitening.distances(embeddings(400, 1)), np.linalg.norm(points, axis=1), rtol=1e-3)


def test_the_limit_holds_for_the_same_kind_of_cycles_and_not_for_others():
    whitening, dimensions = novelty.fit(embeddings(400, 1))
    known = whitening.distances(embeddings(200, 2))
    limit = novelty.limit(known, quantile=0.99, dimensions=dimensions)
    assert (known > limit.threshold).mean() <= 0.01
    assert (whitening.distances(embeddings(2000, 3)) > limit.threshold).mean() < 0.04
    far = np.array([40, 0, 0, 0, 0, 0], np.float32)
    beside = np.array([0, 0, 0, 0, 0.1, 0], np.float32)  # small, in a direction in which no training cycle varies
    for shift in (far, beside):
        assert (whitening.distances(embeddings(50, 4) + shift) > limit.threshold).all()


def test_few_cycles_give_few_components_and_equal_ones_none():
    whitening, dimensions = novelty.fit(embeddings(25, 1))
    assert (dimensions, whitening.components.shape) == (2, (6, 6))
    assert novelty.fit(embeddings(9, 1)) is None
    assert novelty.fit(np.full((100, 5), 3.3, np.float32)) is None


def test_the_order_of_the_cycles_does_not_change_the_distances():
    one, other = novelty.fit(embeddings(100, 1)), novelty.fit(embeddings(100, 1)[::-1].copy())
    assert np.allclose(one[0].components, other[0].components, rtol=1e-3, atol=1e-3)
    assert np.array_equal(one[0].components, one[0].components.T)
