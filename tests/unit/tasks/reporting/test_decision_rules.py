"""Section of the decision rules, and the calibration with a temperature."""

from dataclasses import replace

import polars as pl
import pytest

from models.decision_rules import DecisionRule
from tasks.evaluation import curves, decision_analysis, words
from tasks.evaluation.predictions import Predictions, pool
from tasks.evaluation.summary import about, summarize
from tasks.reporting import page
from tasks.reporting.sections import calibration, decision_rules
from tests.unit.tasks.evaluation.example import CLASSES, cycles, evaluator, facts, predict
from tests.unit.tasks.reporting import example

RULE = DecisionRule(strict=0.41, lenient=0.27, temperature=1.6)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    example.write(root := tmp_path_factory.mktemp("run"))
    return example.results(root)


def judged(finished, rule, frame=None):
    """Return the results of two seeds with a rule on test cycles."""
    frame = cycles() if frame is None else frame
    models = [predict(f"student/{seed}", frame, seed, 1.0) for seed in (1, 2)]
    ruled = [Predictions(one.model, "val", one.probabilities, (rule,)) for one in models]
    metrics = summarize(evaluator(frame), ruled, about(facts(), "lungsound_4", "official"), [])
    labels, student = frame["label"].to_numpy().astype("int64"), pool("student", ruled)
    tables = {
        "roc": curves.roc_table([student], labels, CLASSES),
        "precision_recall": curves.precision_recall_table([student], labels, CLASSES),
        "operating_points": decision_analysis.operating_curve([student], labels, CLASSES),
        "decision_curve": decision_analysis.decision_curve([student], labels),
    }
    external = {"corpora": {}, "external": {}}
    return replace(finished, metrics=metrics | external, plots={**finished.plots, **tables})


@pytest.fixture(scope="module")
def run(finished):
    return judged(finished, RULE)


@pytest.mark.slow
def test_each_rule_of_each_model_has_a_row_and_a_mark(run):
    text, curve, table, _, benefit = decision_rules.content(run)
    assert "The rule of the student is argmax" in text.text
    assert all(exception in text.text for exception in ("four", "calibration", "Maps", "rule max", "margin"))
    rules = run.metrics["student"]["val"]["decision"]["rules"]
    assert [row[:2] for row in table.rows] == [
        ("student, mean of 2 seeds", "argmax, applied"),
        ("student, mean of 2 seeds", "strict, τ = 0.41"),
        ("student, mean of 2 seeds", "lenient, τ = 0.27"),
    ]
    score, minus = rules["strict"]["score_strict"], rules["strict"]["minus_argmax"]["score_strict"]
    assert table.rows[1][4] == f"{score['mean']:.1f} ± {score['sd']:.1f}"
    keys = ("difference", "low", "high", "low_seeds", "high_seeds")
    limits = [f"{minus[key]:+.1f}".replace("-", "−") for key in keys]
    assert table.rows[1][5] == "{} ({} to {}) [{} to {}]".format(*limits)
    assert table.rows[0][5] == "–"
    marks = [
        ("student", rule, *(rules[rule][figure]["mean"] for figure in ("sp", "se_strict")))
        for rule in ("argmax", "strict", "lenient")
    ]
    assert list(decision_rules.points(run.metrics)) == marks
    assert len({mark[2:] for mark in marks}) == 3
    assert 'aria-label="Strict sensitivity' in curve.svg
    assert "all abnormal" in benefit.svg


def test_a_rule_of_another_threshold_has_a_row_and_a_mark_of_its_own(finished):
    run = judged(finished, replace(RULE, rule="sensitivity", threshold=0.8, target=90.0, reached=85.2))
    _, told, _, table, *_ = decision_rules.content(run)
    assert told.text == (
        "The rule was to reach a Se of 90 % on validation patients, and reached 85.2, 85.2 %; "
        "2 of 2 networks missed the target."
    )
    assert [row[1] for row in table.rows][3] == "own, τ = 0.80, applied"
    own = run.metrics["student"]["val"]
    point = list(decision_rules.points(run.metrics))[3]
    assert point == ("student", "own", own["sp"]["mean"], own["se_strict"]["mean"])
    assert point.rule in decision_rules.MARKERS


def test_a_degenerate_rule_is_marked_in_its_row_and_its_difference(finished):
    run = judged(finished, replace(RULE, rule="threshold", threshold=0.41, lenient=1.0))
    rows = {row[1].partition(",")[0]: row for row in decision_rules.content(run)[2].rows}
    assert [row[1] for row in rows.values()][1] == "strict, τ = 0.41, applied"
    assert [("(degenerate)" in row[1], "(degenerate)" in row[5]) for row in rows.values()] == [
        (False, False),
        (False, False),
        (True, True),
    ]
    decision = run.metrics["student"]["val"]["decision"]["rules"]["lenient"]
    assert (decision["degenerate"], decision["minus_argmax"]["degenerate"]) == ("never normal", "lenient never normal")


@pytest.mark.parametrize(("reached", "missed"), [(83.33, False), (83.32, True), (None, True)])
def test_a_sensitivity_that_is_reached_to_two_decimals_is_not_missed(reached, missed):
    assert ("missed" in words.sensitivity(83.3333, [reached])) == missed


@pytest.mark.parametrize("normal", [True, False])
def test_test_cycles_without_a_normal_or_an_abnormal_one_give_a_curve_without_marks(finished, normal):
    run = judged(finished, RULE, cycles().filter((pl.col("label") == 0) == normal))
    assert not list(decision_rules.points(run.metrics))
    assert "Strict sensitivity" in decision_rules.content(run)[1].svg


@pytest.mark.slow
def test_test_cycles_without_an_abnormal_one_give_a_page_which_names_the_augmentation(finished):
    run = judged(finished, RULE, cycles().filter(pl.col("label") == 0))
    html = page.render(replace(run, metrics=run.metrics | {"augmentation": {"shifts": 4}}))
    assert "Sensitivity over specificity" in html
    assert "test-time augmentation: mean of 4 shifted clips" in html.partition("</header>")[0]


def test_the_calibration_is_shown_without_and_with_the_temperature(run, finished):
    shown = calibration.content(run)
    assert [row["calibration"]["temperature"] for row in shown["scaled"]] == [1.6] * 3
    assert "with temperature" in shown["reliability"]
    plain = calibration.content(finished)
    assert plain["scaled"] == []
    assert "with temperature" not in plain["reliability"]
