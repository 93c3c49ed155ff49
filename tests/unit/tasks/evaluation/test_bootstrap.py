"""Figures and their intervals over patients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.metrics import from_confusion
from tasks.evaluation.bootstrap import Bootstrap, difference, figures, per_patient

COUNTS = np.array([[6, 2, 1, 1], [1, 4, 0, 0], [2, 1, 2, 0], [0, 1, 3, 1]])


def test_figures_of_a_matrix_worked_out_by_hand() -> None:
    found = {name: float(value) for name, value in figures(COUNTS).items()}
    assert found["sp"] == pytest.approx(60.0)
    assert found["se_strict"] == pytest.approx(100 * 7 / 15)
    assert found["se_lenient"] == pytest.approx(100 * 12 / 15)
    assert found["score_strict"] == pytest.approx((60 + 100 * 7 / 15) / 2)
    assert found["score_lenient"] == pytest.approx(70.0)


@given(st.lists(st.integers(0, 30), min_size=16, max_size=16))
def test_figures_agree_with_the_training_loops(values: list[int]) -> None:
    counts = np.array(values).reshape(4, 4)
    ours, theirs = figures(counts), from_confusion(counts)
    for name in ("sp", "se_strict", "se_lenient", "score_strict", "score_lenient"):
        np.testing.assert_allclose(float(ours[name]), getattr(theirs, name))


def test_patients_come_and_go_as_a_whole() -> None:
    patients = np.array([7, 7, 3, 3, 3])
    labels, predicted = np.array([0, 1, 0, 1, 1]), np.array([0, 0, 1, 1, 1])
    counts = per_patient(patients, labels, predicted, 2)
    assert counts.tolist() == [[[0, 1], [0, 2]], [[1, 0], [1, 0]]]
    bootstrap = Bootstrap(weights=np.array([[2, 0], [0, 2], [1, 1]]), confidence=0.95)
    drawn = bootstrap.figures(counts[None])
    assert drawn["sp"].tolist() == [0, 100, 50]
    assert drawn["se_strict"].tolist() == pytest.approx([100, 0, 200 / 3])


def simulated(generator: np.random.Generator, patients: int, skill: float) -> np.ndarray:
    labels = generator.integers(0, 2, (patients, 40))
    right = generator.random((patients, 40)) < np.clip(generator.normal(skill, 0.1, (patients, 1)), 0, 1)
    predicted = np.where(right, labels, 1 - labels)
    return np.stack([per_patient(np.zeros(40), a, b, 2)[0] for a, b in zip(labels, predicted, strict=True)])


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    hits = 0
    for seed in range(60):
        bootstrap = Bootstrap.draw(40, resamples=200, confidence=0.9, seed=seed)
        low, high = bootstrap.interval(bootstrap.figures(simulated(generator, 40, 0.7)[None])["score_strict"])
        hits += low <= 70 <= high
    assert 46 <= hits <= 60


def test_paired_differences_cancel_what_patients_have_in_common() -> None:
    generator = np.random.default_rng(1)
    theirs = simulated(generator, 30, 0.6)
    bootstrap = Bootstrap.draw(30, resamples=300, confidence=0.95, seed=0)
    same = difference(bootstrap, theirs[None], theirs[None])["score_strict"]
    assert (same["difference"], same["low"], same["high"], same["higher_in"]) == (0, 0, 0, 0)
    better = theirs.copy()
    better[:, 0, 0] += better[:, 0, 1]
    better[:, 0, 1] = 0
    gained = difference(bootstrap, better[None], theirs[None])["score_strict"]
    assert gained["low"] > 0
    assert gained["higher_in"] == 1


def test_equal_seeds_draw_equal_resamples() -> None:
    one, same, other = (Bootstrap.draw(9, resamples=5, confidence=0.95, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.weights, same.weights)
    assert not np.array_equal(one.weights, other.weights)
    assert (one.weights.sum(1) == 9).all()
