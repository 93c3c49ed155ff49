import numpy as np
import pytest

from models.metrics import figures
from tasks.evaluation.aggregation import Units, results
from tasks.evaluation.predictions import Predictions

IDS = ["r1", "r2", "r1", "r2", "r2", "r3"]
LABELS = np.array([0, 1, 0, 2, 2, 0])
PATIENTS = np.array([0, 0, 0, 0, 0, 1])


def units() -> Units:
    return Units.from_cycles(IDS, LABELS, PATIENTS, 3)


def model(*rows: list[float]) -> Predictions:
    return Predictions("student/1", "val", np.array([rows], dtype=np.float32))


def test_a_unit_is_normal_if_all_its_cycles_are_and_has_its_most_frequent_abnormal_class():
    found = units()
    assert found.labels.tolist() == [0, 2, 0]
    assert found.patients.tolist() == [0, 0, 1]
    assert Units.from_cycles(["a"] * 4, np.array([0, 0, 2, 1]), np.zeros(4, int), 3).labels.tolist() == [1], (
        "of equals, the first"
    )


def test_majority_and_largest_probability_worked_by_hand():
    found = model([0.6, 0.4, 0.0], [0.1, 0.8, 0.1], [0.1, 0.9, 0.0], [0.2, 0.1, 0.7], [0.3, 0.1, 0.6], [0.5, 0.4, 0.1])
    # r1: one vote for 0 and one for 1, of which 1 has the larger mean; r2: two of three votes for 2, most of 1 is 0.8.
    assert units().predicted(found, "majority").tolist() == [[1, 2, 0]]
    assert units().predicted(found, "max").tolist() == [[1, 1, 0]]


def test_runs_are_joined_apart():
    single = [np.eye(3, dtype=np.float32)[classes] for classes in ([0, 1, 0, 1, 1, 0], [1, 0, 1, 0, 0, 1])]
    both = Predictions("student", "val", np.stack(single))
    assert units().predicted(both, "majority").tolist() == [[0, 1, 0], [1, 0, 1]]


def test_results_have_counts_and_the_figures_of_each_rule():
    right = model(*np.eye(3)[LABELS].tolist())
    found = results(units(), right, 2, lambda matrices: {"matrices": matrices, **figures(matrices.sum(0))})
    assert (found["n"], found["abnormal"]) == (3, 1)
    assert found["majority"]["matrices"].sum((1, 2)).tolist() == [2, 1]
    assert {float(found[rule][name]) for rule in ("majority", "max") for name in ("sp", "se_lenient")} == {100.0}
    # The most frequent abnormal class is 2, with a probability as large as that of class 1: the first is predicted.
    assert float(found["max"]["se_strict"]) == 0
    assert float(found["majority"]["se_strict"]) == pytest.approx(100)
