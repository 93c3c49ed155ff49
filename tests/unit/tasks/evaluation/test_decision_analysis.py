"""Figures of each rule, operating curves, net benefit and temperatures, with known answers."""

import numpy as np
import polars as pl
import pytest
from scipy.special import softmax

from models.decision_rules import DecisionRule
from tasks.evaluation import calibration, decision_analysis
from tasks.evaluation.predictions import Predictions, pool
from tests.unit.tasks.evaluation.example import cycles, evaluator, predict

LABELS = np.array([0, 0, 1, 1])
# p(normal): at τ = 0.5 one normal and one abnormal cycle are wrong, at 0.6 both abnormal ones are right.
NORMAL = np.array([0.9, 0.4, 0.55, 0.2], dtype=np.float32)
TWO = Predictions("student/1", "val", np.column_stack([NORMAL, 1 - NORMAL])[None])


def test_the_operating_curve_has_the_figures_of_each_threshold():
    rows = decision_analysis.operating_curve([TWO], LABELS, ("normal", "abnormal"))
    found = {row["threshold"]: (row["sp"], row["se_strict"], row["se_lenient"]) for row in rows.to_dicts()}
    assert len(found) == 101
    assert (found[0.0], found[0.5], found[0.6], found[1.0]) == (
        (100, 0, 0),
        (50, 50, 50),
        (50, 100, 100),
        (0, 100, 100),
    )
    both = pool("student", [TWO, Predictions("student/2", "val", 1 - TWO.probabilities)])
    mean = decision_analysis.operating_curve([both], LABELS, ("normal", "abnormal")).filter(pl.col("threshold") == 0.5)
    assert mean.row(0) == ("student", 0.5, 50.0, 50.0, 50.0)


def test_the_net_benefit_is_that_of_vickers_and_elkin():
    rows = decision_analysis.decision_curve([TWO], LABELS)
    found = {(row["model"], row["threshold_probability"]): row["net_benefit"] for row in rows.to_dicts()}
    # From p(abnormal) ≥ 0.4 on, three cycles are called abnormal: two correctly, one falsely.
    assert found["student/1", 0.4] == pytest.approx(2 / 4 - 1 / 4 * 0.4 / 0.6, abs=1e-4)
    assert found["student/1", 0.7] == pytest.approx(1 / 4, abs=1e-4)
    for p in (0.1, 0.5):
        assert found[decision_analysis.TREAT_ALL, p] == pytest.approx(0.5 - 0.5 * p / (1 - p), abs=1e-4)
        assert found[decision_analysis.TREAT_NONE, p] == 0
    assert (decision_analysis.TREAT_ALL, 0.9) not in found, "far below zero"


def test_every_model_is_judged_by_the_most_probable_class_and_by_both_thresholds():
    frame = cycles()
    labels = frame["label"].to_numpy()
    parts = []
    for seed, strict in ((0, 0.3), (1, 0.5)):
        rule = DecisionRule(rule="threshold", threshold=strict, strict=strict, lenient=0.2, temperature=2.0)
        part = predict(f"student/{seed}", frame, seed, 1.0)
        parts.append(Predictions(part.model, "val", part.probabilities, (rule,)))
    found = evaluator(frame).evaluate_seeds(parts)
    decision = found["decision"]
    assert (decision["rule"], list(decision["rules"])) == ("threshold", ["argmax", "strict", "lenient"])
    assert decision["applied"] == "strict"
    assert [one["threshold"] for one in decision["rules"].values()] == [None, 0.4, 0.2]
    for name in ("sp", "se_lenient"):
        assert decision["rules"]["strict"][name] == {key: found[name][key] for key in ("mean", "sd")}, "its own rule"
    sp = [(part.probabilities[0][labels == 0, 0] >= 0.2).mean() * 100 for part in parts]
    assert decision["rules"]["lenient"]["sp"] == {
        "mean": pytest.approx(np.mean(sp), abs=0.01),
        "sd": pytest.approx(np.std(sp, ddof=1), abs=0.01),
    }
    change = decision["rules"]["strict"]["minus_argmax"]["score_strict"]
    means = [decision["rules"][name]["score_strict"]["mean"] for name in ("strict", "argmax")]
    assert change["difference"] == pytest.approx(means[0] - means[1], abs=0.011)
    assert change["low_seeds"] <= change["low"] <= change["difference"] <= change["high"] <= change["high_seeds"]
    plain = evaluator(frame).evaluate(predict("ensemble", frame, 0, 1.0))["decision"]
    assert (plain["rule"], plain["applied"], list(plain["rules"])) == ("argmax", "argmax", ["argmax"])


def test_a_temperature_changes_the_calibration_and_not_the_class():
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 3, (500, 4))
    given = softmax(logits, axis=1)
    labels = (softmax(logits / 2, axis=1).cumsum(axis=1) < generator.random((500, 1))).sum(axis=1)
    model = Predictions("student/1", "val", given[None].astype(np.float32), (DecisionRule(temperature=2.0),))
    scaled = calibration.scaled(model)
    np.testing.assert_allclose(scaled[0], softmax(logits / 2, axis=1), atol=1e-6)
    assert calibration.loss(labels, scaled) == pytest.approx(-np.log(scaled[0][np.arange(500), labels]).mean())
    frame = cycles(patients=20, each=25).with_columns(label=pl.Series(labels, dtype=pl.Int8))
    found = evaluator(frame).evaluate(model)["calibration"]
    assert found["temperature"] == 2.0
    assert all(found["scaled"][name] < found[name] for name in ("ece", "brier", "loss"))
    assert (
        evaluator(frame).evaluate(Predictions("ensemble", "val", model.probabilities))["calibration"]["scaled"] is None
    )
