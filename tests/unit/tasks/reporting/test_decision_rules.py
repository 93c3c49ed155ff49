"""Section of the decision rules, and the calibration with a temperature."""

import pytest

from models.decision_rules import DecisionRule
from tasks.evaluation.predictions import Predictions
from tasks.evaluation.summary import about, summarize
from tasks.reporting.sections import calibration, decision_rules
from tests.unit.tasks.evaluation.example import cycles, evaluator, facts, predict
from tests.unit.tasks.reporting import example


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root, frame = tmp_path_factory.mktemp("run"), cycles()
    found = example.results(root)
    rule = DecisionRule(strict=0.41, lenient=0.27, temperature=1.6)
    models = [predict(f"student/{seed}", frame, seed, 1.0) for seed in (1, 2)]
    ruled = [Predictions(one.model, "val", one.probabilities, (rule,)) for one in models]
    metrics = summarize(evaluator(frame), ruled, about(facts(), "lungsound_4", "official"), [])
    return example.replace(found, metrics=metrics)


def test_each_rule_of_each_model_has_a_row_and_a_mark(run):
    text, curve, table, _, benefit = decision_rules.content(run)
    assert "The rule of the student is argmax" in text.text
    rules = run.metrics["student"]["val"]["decision"]["rules"]
    assert [row[:2] for row in table.rows] == [
        ("student, mean of 2 seeds", "argmax"),
        ("student, mean of 2 seeds", "strict, τ = 0.41"),
        ("student, mean of 2 seeds", "lenient, τ = 0.27"),
    ]
    score, minus = rules["strict"]["score_strict"], rules["strict"]["minus_argmax"]["score_strict"]
    assert table.rows[1][4] == f"{score['mean']:.1f} ± {score['sd']:.1f}"
    limits = [f"{minus[key]:+.1f}".replace("-", "−") for key in ("difference", "low", "high")]
    assert table.rows[1][5] == "{} ({} to {})".format(*limits)
    assert table.rows[0][5] == "–"
    assert 'aria-label="Strict sensitivity' in curve.svg
    assert "all abnormal" in benefit.svg


def test_the_calibration_is_shown_without_and_with_the_temperature(run):
    shown = calibration.content(run)
    assert [row["calibration"]["temperature"] for row in shown["scaled"]] == [1.6] * 3
    assert "with temperature" in shown["reliability"]
    plain = calibration.content(example.replace(run, metrics=example.results(run.root).metrics))
    assert plain["scaled"] == []
    assert "with temperature" not in plain["reliability"]
