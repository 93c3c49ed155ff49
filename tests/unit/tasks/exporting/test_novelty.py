"""Distances of embeddings after PCA whitening."""

import numpy as np

from tasks.exporting import novelty

SCALES = np.array([5, 2, 1, 0.5, 1e-5])  # the last feature hardly varies


def embeddings(number: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(number, 5)) * SCALES + 7).astype(np.float32)


def test_training_embeddings_have_mean_zero_and_variance_one_in_each_component():
    found = novelty.fit(embeddings(400, 1))
    assert found is not None
    assert found.components.shape == (4, 5), "a component without variance is left out"
    points = (embeddings(400, 1).astype(float) - found.mean) @ found.components.T
    assert np.abs(points.mean(axis=0)).max() < 1e-4
    assert np.abs(np.cov(points.T) - np.eye(4)).max() < 1e-3
    assert np.allclose(found.distances(embeddings(400, 1)), np.linalg.norm(points, axis=1), atol=1e-4)


def test_the_limit_holds_for_the_same_kind_of_cycles_and_not_for_another():
    found = novelty.fit(embeddings(400, 1))
    assert found is not None
    limit = novelty.limit(found.distances(embeddings(200, 2)), quantile=0.99, dimensions=4)
    assert (found.distances(embeddings(200, 2)) > limit.threshold).mean() <= 0.01
    assert (found.distances(embeddings(2000, 3)) > limit.threshold).mean() < 0.03
    assert (found.distances(embeddings(50, 4) + 8) > limit.threshold).all(), "a shift by several deviations"


def test_few_cycles_give_few_components_and_equal_ones_none():
    few = novelty.fit(embeddings(25, 1))
    assert few is not None
    assert few.components.shape == (2, 5)
    assert novelty.fit(embeddings(9, 1)) is None
    assert novelty.fit(np.full((100, 5), 3.3, np.float32)) is None


def test_equal_embeddings_give_equal_bytes_and_no_sign_is_left_to_chance():
    one, other = novelty.fit(embeddings(100, 1)), novelty.fit(embeddings(100, 1)[::-1].copy())
    assert one is not None
    assert other is not None
    assert np.allclose(one.components, other.components, atol=1e-3)
    largest = np.abs(one.components * SCALES.max()).argmax(axis=1)
    assert (np.take_along_axis(one.components, largest[:, None], axis=1) > 0).all()
