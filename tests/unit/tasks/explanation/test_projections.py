"""Standardised embeddings, PCA and t-SNE."""

import numpy as np
import pytest

from tasks.explanation.projections import project, standardize
from tests.unit.tasks.explanation import cohort


def test_features_are_standardised_and_a_constant_one_becomes_zero():
    values = np.array([[1.0, 7.0, 1e9], [3.0, 7.0, 3e9]], np.float32)
    assert standardize(values).tolist() == [[-1.0, 0.0, -1.0], [1.0, 0.0, 1.0]]


@pytest.mark.parametrize("value", [0.0, 7.1, -1e4])
def test_equal_embeddings_of_all_cycles_are_recognised(value):
    rounding = np.random.default_rng(0).choice([0, 1e-7], size=(30, 4))
    assert standardize(((1 + rounding) * value).astype(np.float32)) is None


def test_the_pca_is_that_of_the_singular_values():
    points = standardize(cohort.separated("location").astype(np.float32))
    found = project(points, perplexity=30, seed=0)
    _, sizes, directions = np.linalg.svd(points, full_matrices=False)
    assert np.abs(found.pca) == pytest.approx(np.abs(points @ directions[:2].T), abs=1e-6)
    assert found.explained == pytest.approx(100 * sizes[:2] ** 2 / (sizes**2).sum())


def test_t_sne_keeps_devices_apart_and_repeats_itself():
    points = standardize(cohort.separated("device").astype(np.float32))[::3]
    device = cohort.cycles()["device"].to_numpy()[::3]
    first, second = (project(points, perplexity=30, seed=0).tsne for _ in range(2))
    assert first.tobytes() == second.tobytes()
    distances = np.linalg.norm(first[:, None] - first[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (device[distances.argmin(1)] == device).all()


@pytest.mark.parametrize(("number", "features"), [(2, 3), (4, 8), (5, 1), (6, 8)])
def test_few_cycles_and_single_features_have_projections_too(number, features):
    found = project(cohort.noise(features)[:number], perplexity=30, seed=0)
    assert found.pca.shape == (number, 2)
    assert (found.tsne is None) == (number < 5)
    assert np.isfinite(found.pca).all()
    assert found.tsne is None or np.isfinite(found.tsne).all()
