"""Conformal sets: the rank of their quantile, and their coverage of exchangeable cycles."""

import numpy as np
import pytest

from tasks.exporting import conformal


def cycles(seed: int, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and probabilities of a calibrated model."""
    rng = np.random.default_rng(seed)
    spread = rng.normal(size=(number, 3)) * 1.5
    probabilities = np.exp(spread) / np.exp(spread).sum(axis=1, keepdims=True)
    labels = (probabilities.cumsum(axis=1) < rng.uniform(size=(number, 1))).sum(axis=1)
    return np.minimum(labels, 2), probabilities


@pytest.mark.parametrize(("number", "coverage", "rank"), [(9, 0.9, 9), (19, 0.9, 18), (20, 0.9, 19), (99, 0.5, 50)])
def test_the_quantile_has_the_rank_of_a_finite_sample(number, coverage, rank):
    right = np.linspace(0.9, 0.1, number)
    probabilities = np.stack([right, 1 - right], axis=1)
    found = conformal.fit(np.zeros(number, dtype=int), probabilities, patients=3, coverage=coverage)
    assert found.quantile == pytest.approx(1 - right[rank - 1], abs=2e-6)
    assert (found.cycles, found.patients, found.coverage) == (number, 3, coverage)


def test_too_few_cycles_give_the_set_of_all_classes():
    labels, probabilities = cycles(0, 8)
    found = conformal.fit(labels, probabilities, patients=2, coverage=0.9)
    assert found.quantile == 1.0
    assert conformal.covered(labels, probabilities, found.quantile) == 1.0


@pytest.mark.parametrize("coverage", [0.6, 0.9])
def test_sets_cover_new_cycles_as_often_as_stated(coverage):
    found = []
    for seed in range(40):
        fitted = conformal.fit(*cycles(seed, 300), patients=30, coverage=coverage)
        found.append(conformal.covered(*cycles(seed + 1000, 300), fitted.quantile))
    assert np.mean(found) == pytest.approx(coverage, abs=0.015)


def test_a_quantile_is_rounded_away_from_the_edge_of_a_set():
    probabilities = np.full((10, 3), 1 / 3)
    found = conformal.fit(np.arange(10) % 3, probabilities, patients=1, coverage=0.9)
    assert conformal.covered(np.arange(10) % 3, probabilities, found.quantile) == 1.0
    assert conformal.covered(np.zeros(0, dtype=int), np.zeros((0, 3)), found.quantile) is None
