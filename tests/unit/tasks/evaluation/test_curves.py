import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tasks.distillation.soft_labels import soften
from tasks.evaluation import calibration, curves
from tasks.evaluation.ensembles import over_k
from tasks.evaluation.predictions import Predictions
from tests.unit.tasks.evaluation.example import CLASSES, cycles, evaluator, predict

POSITIVE = np.array([True, True, False, True, False, False])
PROBABILITY = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]], dtype=np.float32)


def test_roc_and_precision_worked_by_hand():
    # In the order of probability: hit, hit, miss, hit, miss, miss.
    true = dict(zip(curves.GRID, curves.roc(POSITIVE, PROBABILITY), strict=True))
    assert [true[x] for x in (0.0, 0.33, 0.34, 1.0)] == pytest.approx([2 / 3, 2 / 3, 1, 1])
    precision = dict(zip(curves.GRID, curves.precision_recall(POSITIVE, PROBABILITY), strict=True))
    assert [precision[x] for x in (0.0, 0.66, 0.67, 1.0)] == pytest.approx([1, 1, 3 / 4, 3 / 4])
    assert curves.areas(POSITIVE, PROBABILITY) == pytest.approx((8 / 9, (1 + 1 + 3 / 4) / 3))


def test_a_recall_that_is_on_the_grid_counts_there():
    """Seven of ten hits come first, then five misses: 0.7 is the last recall with the precision 1."""
    positive = np.array([True] * 7 + [False] * 5 + [True] * 3)
    precision = curves.precision_recall(positive, np.linspace(1, 0, 15, dtype=np.float32)[np.newaxis])
    assert precision[[70, 71]] == pytest.approx([1, 10 / 15])


@given(st.integers(0, 1000), st.floats(0, 3))
def test_the_thinned_roc_keeps_its_area(seed, skill):
    frame = cycles()
    model = predict("student/1", frame, seed, skill)
    positive, probability = frame["label"].to_numpy() == 1, model.probabilities[:, :, 1]
    curve = curves.roc(positive, probability)
    assert np.trapezoid(curve, curves.GRID) == pytest.approx(roc_auc_score(positive, probability[0]), abs=0.02)
    assert (np.diff(curve) >= 0).all()


def test_a_class_without_cycles_has_no_area_and_no_curve():
    none = np.zeros(6, dtype=bool)
    assert np.isnan(curves.areas(none, PROBABILITY)).all()
    frame = cycles().filter(pl.col("label") < 3)
    table = curves.roc_table([predict("student", frame, 0, 1.0)], frame["label"].to_numpy(), CLASSES)
    assert table["class"].unique().sort().to_list() == ["crackle", "normal", "wheeze"]
    assert table.group_by("class").len()["len"].max() <= 200


def test_confusion_has_a_row_for_every_cycle_and_run():
    frame = cycles()
    table = curves.confusion_table(predict("student", frame, 0, 9.0), frame["label"].to_numpy(), CLASSES)
    assert table.height == frame.height
    assert table.columns == ["actual", "predicted"]
    assert (table["actual"] == table["predicted"]).all()


def test_histories_are_one_table_even_with_a_missing_figure(tmp_path):
    for name, value in (("a", "50.0"), ("b", "nan")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "history.csv").write_text(f"epoch,train_loss,val_score_strict\n1,1.5,{value}\n2,1.25,60\n")
    table = curves.training_table({"teacher/a": tmp_path / "a", "student/1": tmp_path / "b"})
    assert table.columns == ["model", "epoch", "train_loss", "val_score_strict"]
    assert table["model"].to_list() == ["teacher/a", "teacher/a", "student/1", "student/1"]
    assert table["epoch"].dtype == pl.Int64


def test_calibration_worked_by_hand():
    # 0.85 three times, right twice; 0.55 twice, right once.
    first = np.array([0.85, 0.85, 0.85, 0.55, 0.55], dtype=np.float32)
    probabilities, labels = np.stack([first, 1 - first], axis=1)[None], np.array([0, 0, 1, 0, 1])
    diagram = calibration.reliability(labels, probabilities, 10)
    assert diagram["n"].to_list() == [2, 3]
    assert diagram["accuracy"].to_list() == pytest.approx([1 / 2, 2 / 3])
    assert diagram["high"].to_list() == pytest.approx([0.6, 0.9])
    assert calibration.ece(labels, probabilities, 10) == pytest.approx((2 * 0.05 + 3 * (0.85 - 2 / 3)) / 5, abs=1e-6)
    squares = 2 * 0.15**2 + 0.85**2 + 0.45**2 + 0.55**2
    assert calibration.brier(labels, probabilities) == pytest.approx(2 * squares / 5, abs=1e-6)


def test_errors_of_an_overconfident_and_an_underconfident_seed_do_not_cancel():
    probabilities = np.full((2, 10, 2), [0.75, 0.25], dtype=np.float32)
    probabilities[0, 5:] = [0.25, 0.75]  # sure of 75 %, and right in 50 and in 100 % of the cycles
    labels = np.zeros(10, dtype=np.int64)
    found = calibration.figures(labels, Predictions("student", "val", probabilities), 10)
    assert found["ece"] == pytest.approx(0.25)
    assert found["bins"] == [{"low": 0.7, "high": 0.8, "n": 20, "confidence": 0.75, "accuracy": 0.75}]


def test_each_k_is_the_mean_of_its_own_ensemble():
    evaluated = evaluator(cycles(patients=6))
    random = np.random.default_rng(0)
    logits = {name: random.normal(size=(len(evaluated.labels), 4)).astype(np.float32) for name in "bac"}
    curve = over_k({1: [logits["b"]], 2: [logits["a"], logits["c"]]}, evaluated, "val")
    assert curve.select("k", "networks").unique(maintain_order=True).rows() == [(1, 1), (2, 2)]
    for k, expected in ((1, logits["b"]), (2, (logits["a"] + logits["c"]) / 2)):
        figures = evaluated.evaluate(Predictions("x", "val", soften(expected)[None]))
        for row in curve.filter(pl.col("k") == k).to_dicts():
            assert row["value"] == pytest.approx(figures[row["figure"]])
            assert row["low"] <= row["value"] <= row["high"]
    empty = over_k({}, evaluated, "val")
    assert (empty.height, empty.columns) == (0, ["k", "networks", "figure", "value", "low", "high"])
