"""The ICBHI Score against confusion matrices worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.metrics import CHALLENGE, FIGURES, challenge, confusion, figures, scores

# Rows: normal, crackle, wheeze, both.
BY_HAND = np.array([[6, 2, 1, 1], [3, 4, 2, 1], [2, 1, 5, 0], [1, 1, 0, 0]])
# Sp: 6 of 10. Strict Se: 4 + 5 + 0 of 20. Lenient Se: 7 + 6 + 1 of 20.
EXPECTED = {"sp": 60.0, "se_strict": 45.0, "se_lenient": 70.0, "score_strict": 52.5, "score_lenient": 65.0}


def test_a_matrix_worked_out_by_hand():
    assert figures(BY_HAND) == pytest.approx(EXPECTED)
    assert set(EXPECTED) == set(FIGURES)


def test_matrices_are_computed_at_once():
    found = figures(np.stack([BY_HAND, np.diag(BY_HAND.sum(axis=1))]))
    assert {name: values.tolist() for name, values in found.items()} == {
        name: pytest.approx([value, 100.0]) for name, value in EXPECTED.items()
    }


def test_two_classes_have_one_sensitivity():
    result = figures(np.array([[3, 1], [1, 4]]))
    assert result["sp"] == pytest.approx(75.0)
    assert result["se_strict"] == result["se_lenient"] == pytest.approx(80.0)


def test_confusion_has_labels_as_rows_and_counts_every_class():
    counts = confusion([0, 1, 1, 3], [0, 0, 1, 2], 4)
    assert counts.tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]


def test_undefined_figures_are_nan():
    assert math.isnan(scores([1, 2], [1, 2], 4)["sp"])
    assert scores([1, 2], [1, 2], 4)["se_strict"] == 100
    assert math.isnan(scores([0, 0], [0, 1], 4)["score_strict"])


def test_metrics_of_the_challenge_on_sprsound_worked_out_by_hand():
    # SE 45 and SP 60 as above: AS 52.5, HS 2 · 45 · 60 / 105 = 51.43, Score (52.5 + 51.43) / 2 = 51.96.
    found = challenge(BY_HAND)
    assert tuple(found) == CHALLENGE
    assert {name: round(float(value), 2) for name, value in found.items()} == {
        "SE": 45.0, "SP": 60.0, "AS": 52.5, "HS": 51.43, "Score": 51.96,
    }  # fmt: skip
    perfect, normal, wrong = np.array([[3, 0], [0, 5]]), np.array([[3, 0], [5, 0]]), np.array([[0, 3], [5, 0]])
    assert challenge(np.stack([perfect, normal, wrong]))["Score"].tolist() == [100.0, 25.0, 0.0]
    assert math.isnan(challenge(np.array([[3, 0], [0, 0]]))["HS"])


def test_recordings_of_poor_quality_count_in_neither_se_nor_sp_of_the_challenge():
    # Rows: normal, adventitious, poor quality. SP 6 of 10, SE 5 of 8; the seven of the last row do not count.
    counts = np.array([[6, 3, 1], [1, 5, 2], [4, 2, 1]])
    found = challenge(counts, ["normal", "adventitious", "poor quality"])
    assert (found["SP"], found["SE"]) == (60.0, 62.5)
    assert challenge(counts)["SE"] == 40.0, "6 of 15 without the names of the classes"


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_lenient_is_never_below_strict(pairs):
    labels, predicted = map(list, zip(*pairs, strict=True))
    result = scores(labels, predicted, 4)
    assert not result["se_lenient"] < result["se_strict"]
    assert confusion(labels, predicted, 4).sum() == len(pairs)


@given(st.lists(st.integers(0, 3), min_size=2).filter(lambda labels: 0 in labels and any(labels)))
def test_always_predicting_normal_has_a_score_of_50(labels):
    result = scores(labels, [0] * len(labels), 4)
    assert result["score_strict"] == result["score_lenient"] == 50
