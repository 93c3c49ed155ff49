"""Thresholds and temperatures with known answers."""

import logging

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from models.metrics import scores
from models.training.decision_fitting import THRESHOLDS, fit, fit_temperature
from models.training.settings import DecisionSettings


def two_classes(normal: list[float]) -> np.ndarray:
    return np.column_stack([normal, 1 - np.array(normal)])


def logits_of(probabilities: np.ndarray) -> np.ndarray:
    return np.log(probabilities).astype(np.float32)


def threshold_of(probabilities: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> float | None:
    """Return the threshold of the best strict Score."""
    return fit(logits_of(probabilities), labels, patients, DecisionSettings(rule="argmax"))[0].strict


def random(cycles: int = 200, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return logits, labels that follow softmax(logits / scale), and patients."""
    generator = np.random.default_rng(4)
    logits = generator.normal(0, 2, (cycles, 4)).astype(np.float32)
    shares = np.exp(log_softmax(logits.astype(np.float64) / scale, axis=1))
    labels = (shares.cumsum(axis=1) < generator.random((cycles, 1))).sum(axis=1).clip(0, 3)
    return logits, labels, generator.integers(0, 9, cycles)


def test_the_threshold_is_in_the_middle_of_the_best_ones():
    probabilities = two_classes([0.72, 0.9, 0.3005, 0.2])
    labels, patients = np.array([0, 0, 1, 1]), np.zeros(4, dtype=np.int64)
    # Everything from 0.31 to 0.72 is right; the median of these 42 thresholds is between 0.51 and 0.52.
    assert threshold_of(probabilities, labels, patients) == 0.51
    assert len(THRESHOLDS) == 91


@pytest.mark.parametrize(
    ("patients", "threshold"), [([0, 0, 0, 1, 0, 0, 0, 0], 0.25), ([0, 0, 0, 0, 0, 0, 0, 1], 0.65)]
)
def test_equal_scores_are_decided_by_the_score_over_patients(patients, threshold):
    # From 0.41 on, one of four normal cycles is lost and one of four abnormal ones is won. The one that is all of its
    # patient's cycles of the kind counts more: 0.11 to 0.40 remain, or 0.41 to 0.90.
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    probabilities = two_classes([0.9, 0.9, 0.9, 0.405, 0.1, 0.1, 0.1, 0.405])
    assert threshold_of(probabilities, labels, np.array(patients)) == threshold


@pytest.mark.parametrize("score", ["strict", "lenient"])
def test_no_other_threshold_has_a_better_score(score):
    logits, labels, patients = random()
    probabilities = np.exp(log_softmax(logits, axis=1))
    rest = 1 + probabilities[:, 1:].argmax(axis=1)
    by_hand = [scores(labels, np.where(probabilities[:, 0] >= one, 0, rest), 4)[f"score_{score}"] for one in THRESHOLDS]
    rule, losses = fit(logits, labels, patients, DecisionSettings(rule="threshold", score=score))
    assert by_hand[list(THRESHOLDS).index(rule.threshold)] == max(by_hand)
    assert (rule.rule, rule.threshold) == ("threshold", getattr(rule, score))
    assert losses["val_loss_scaled"] <= losses["val_loss"]


def test_the_smallest_threshold_that_reaches_a_sensitivity_is_taken(caplog):
    labels, patients = np.array([0, 0, 1, 1, 1, 1]), np.zeros(6, dtype=np.int64)
    logits = logits_of(two_classes([0.9, 0.6, 0.201, 0.301, 0.401, 0.99]))
    rules = {
        wanted: fit(logits, labels, patients, DecisionSettings(rule="sensitivity", sensitivity=wanted))[0]
        for wanted in (25, 40, 75)
    }
    assert {wanted: rule.threshold for wanted, rule in rules.items()} == {25: 0.21, 40: 0.31, 75: 0.41}
    assert [(rule.target, rule.reached) for rule in rules.values()] == [(25, 25), (40, 50), (75, 75)]
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        rule, _ = fit(logits, labels, patients, DecisionSettings(rule="sensitivity", sensitivity=76))
    assert (rule.rule, rule.threshold, rule.target, rule.reached) == ("sensitivity", 0.95, 76, 75)
    assert (rule.with_threshold(None).target, rule.with_threshold("strict").reached) == (None, None)
    assert "No threshold reaches a strict Se of 76 %" in caplog.text
    assert "which reaches 75.0 %" in caplog.text


def test_without_normal_cycles_the_most_probable_class_remains(caplog):
    logits, _, patients = random()
    labels = np.ones(len(logits), dtype=np.int64)
    rule, _ = fit(logits, labels, patients, DecisionSettings(rule="threshold"))
    assert (rule.rule, rule.threshold, rule.strict) == ("argmax", None, None)
    assert "the most probable class is predicted" in caplog.text


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_the_temperature_is_that_of_the_labels_and_the_minimum_that_scipy_finds(scale):
    logits, labels, _ = random(4000, scale)
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(scale, rel=0.1)
    rows = np.arange(len(labels))
    wanted = minimize_scalar(
        lambda log_t: -log_softmax(logits / np.exp(log_t), axis=1)[rows, labels].mean(),
        bounds=(-3, 3), method="bounded", options={"xatol": 1e-8},
    )  # fmt: skip
    assert found == pytest.approx(np.exp(wanted.x), abs=2e-4)


@pytest.mark.parametrize(("right", "low", "high"), [(True, 1 / 20, 0.5), (False, 19.9, 20.0)])
def test_a_temperature_without_an_optimum_is_bounded(right, low, high):
    labels = np.arange(40) % 4
    logits = (10 * np.eye(4, dtype=np.float32))[labels if right else (labels + 1) % 4]
    assert low <= fit_temperature(logits, labels) <= high
