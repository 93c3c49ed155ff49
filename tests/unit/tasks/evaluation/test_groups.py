"""Figures of groups of test cycles, their gaps, and pairs of columns."""

import numpy as np
import polars as pl
import pytest

from models.metrics import figures
from tests.unit.tasks.evaluation.example import cycles, evaluator, predict


@pytest.fixture
def frame():
    sites = [("Al", "Pr")[index % 12 < 2 + index // 12] for index in range(96)]  # patients differ in their shares
    return cycles().with_columns(location=pl.Series(sites))


def of(frame: pl.DataFrame, mask: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    labels, matrix = frame["label"].to_numpy(), np.zeros((4, 4), int)
    np.add.at(matrix, (labels[mask], predicted[mask]), 1)
    return figures(matrix)


def test_a_gap_is_the_group_minus_all_other_cycles(frame):
    model = predict("student/1", frame, 0, 1.5)
    found = evaluator(frame).evaluate(model)["groups"]["location"]
    mask = (frame["location"] == "Pr").to_numpy()
    own, rest = (of(frame, side, model.predicted[0]) for side in (mask, ~mask))
    gap = found["Pr"]["gap"]
    assert found["Pr"]["score_strict"] == pytest.approx(own["score_strict"], abs=0.01)
    for name in ("score_strict", "score_lenient"):
        assert gap[name]["difference"] == pytest.approx(own[name] - rest[name], abs=0.01)
        assert gap[name]["low"] < gap[name]["difference"] < gap[name]["high"]
        turned = {key: None if gap[name][key] is None else -gap[name][key] for key in ("difference", "high", "low")}
        assert list(found["Al"]["gap"][name].values()) == list(turned.values()), "difference, low and high"


def test_a_column_with_one_value_has_no_gap(frame):
    model = predict("student/1", frame, 0, 1.5)
    found = evaluator(frame).evaluate(model)["groups"]["age_group"]
    assert [("gap" in row, row["cycles"]) for row in found.values()] == [(False, 96)]


def test_patients_with_normal_and_with_abnormal_cycles_are_counted(frame):
    model = predict("student/1", frame, 0, 1.5)
    for value, row in evaluator(frame).evaluate(model)["groups"]["device"].items():
        own = frame.filter(device=value)
        each = [set(own.filter(rows)["patient_id"]) for rows in (pl.col("label") == 0, pl.col("label") > 0)]
        assert [row["patients_normal"], row["patients_abnormal"]] == [len(ids) for ids in each]


def test_pairs_of_columns_hold_each_cycle_once(frame):
    parts = [predict(f"student/{seed}", frame, seed, 1.0) for seed in (1, 2)]
    pairs = evaluator(frame).evaluate_seeds(parts)["group_pairs"]
    assert [pair["columns"] for pair in pairs] == [["device", "location"], ["device", "sex"], ["location", "sex"]]
    for pair in pairs:
        assert sum(cell["cycles"] for cell in pair["cells"]) == 96
        for cell in pair["cells"]:
            same = [frame[name] == value for name, value in zip(pair["columns"], cell["values"], strict=True)]
            mask = (same[0] & same[1]).to_numpy()
            each = [of(frame, mask, part.predicted[0])["score_lenient"] for part in parts]
            wanted = None if np.isnan(each).any() else pytest.approx(np.mean(each), abs=0.01)
            assert cell["score_lenient"] == wanted
            rest, gap = [of(frame, ~mask, part.predicted[0])["score_lenient"] for part in parts], cell["gap"]
            missing = wanted is None or np.isnan(rest).any()
            wanted = None if missing else pytest.approx(np.mean(each) - np.mean(rest), abs=0.01)
            assert gap["score_lenient"]["difference"] == wanted
            assert (gap["score_lenient"]["low"] is None) == missing
