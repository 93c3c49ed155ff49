import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.metrics import confusion_by_patient
from tasks.evaluation import bootstrap

MATRIX = np.array([[70, 10, 10, 10], [4, 8, 4, 4], [5, 0, 4, 1], [1, 2, 3, 4]])


def test_matrices_sum_over_runs_and_keep_patients_apart():
    labels, patients = np.array([0, 1, 1]), np.array([0, 0, 2])
    predicted = np.array([[0, 1, 0], [1, 1, 1]])
    found = confusion_by_patient(labels, predicted, patients, size=3, classes=2)
    assert found.tolist() == [[[1, 1], [0, 2]], [[0, 0], [0, 0]], [[0, 0], [1, 1]]]


@given(st.integers(1, 40), st.integers(1, 30), st.integers(0, 5))
def test_every_resample_draws_as_many_patients_as_there_are(size, resamples, seed):
    weights = bootstrap.draw(size, resamples=resamples, seed=seed)
    assert weights.shape == (resamples, size)
    assert (weights.sum(axis=1) == size).all()
    assert (weights == bootstrap.draw(size, resamples=resamples, seed=seed)).all()


def test_equal_patients_have_an_interval_of_width_zero_and_different_ones_a_wider_one():
    weights = bootstrap.draw(10, resamples=200, seed=0)
    assert bootstrap.intervals(weights, np.stack([MATRIX] * 10), 0.95)["score_strict"] == (55.0, 55.0)
    mixed = np.stack([MATRIX, np.diag(MATRIX.sum(axis=1))] * 5)
    low, high = bootstrap.intervals(weights, mixed, 0.95)["score_strict"]
    assert 55 < low < 77.5 < high < 100


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """Patients differ in their recall; an interval over cycles would cover far less."""
    generator = np.random.default_rng(1)
    hits, runs = 0, 200
    for _ in range(runs):
        sp, se = generator.beta(7, 3, size=40), generator.beta(4, 6, size=40)
        found = np.stack([generator.binomial(20, sp), generator.binomial(20, se)], axis=1)
        matrices = np.stack([found[:, 0], 20 - found[:, 0], 20 - found[:, 1], found[:, 1]], axis=1).reshape(-1, 2, 2)
        weights = bootstrap.draw(40, resamples=300, seed=int(generator.integers(1 << 30)))
        low, high = bootstrap.intervals(weights, matrices, 0.95)["score_strict"]
        hits += low <= 55 <= high
    assert 0.89 <= hits / runs <= 0.99


def test_too_few_patients_have_no_interval():
    weights = bootstrap.draw(4, resamples=50, seed=0)
    matrices = np.zeros((4, 2, 2), dtype=np.int64)
    matrices[:, 0] = [[3, 1], [2, 2], [1, 3], [4, 0]]
    matrices[0, 1] = [1, 1]
    assert set(bootstrap.intervals(weights, matrices, 0.95)) == {"sp"}


def test_a_difference_is_paired():
    """The same draws are used for both models: their difference is certain, however much patients vary."""
    weights = bootstrap.draw(10, resamples=200, seed=0)
    generator = np.random.default_rng(0)
    hits = generator.integers(2, 18, size=(10, 2))
    better = np.stack([hits[:, 0], 20 - hits[:, 0], 20 - hits[:, 1], hits[:, 1]], axis=1).reshape(-1, 2, 2)
    worse = better + np.array([[-1, 1], [1, -1]])
    found = bootstrap.difference(weights, [better], [worse], 0.95)["score_strict"]
    assert found == {"difference": 5.0, "low": pytest.approx(5.0), "high": pytest.approx(5.0)}
    assert bootstrap.difference(weights, [better], [better, worse], 0.95)["score_strict"]["difference"] == 2.5
