import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from tasks.evaluation.further_metrics import AGREEMENT, FURTHER, agreement, all_metrics, over_runs, predictive_values
from tests.unit.models.test_metrics import BY_HAND

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30)


@given(PAIRS.filter(lambda pairs: len({label for label, _ in pairs}) > 1))
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_metrics_agree_with_scikit_learn(pairs):
    labels, predicted = np.array(pairs).T
    found = agreement(np.histogram2d(labels, predicted, bins=[np.arange(5)] * 2)[0])
    assert {name: float(value) for name, value in found.items()} == {
        "macro_f1": pytest.approx(100 * sklearn.f1_score(labels, predicted, average="macro")),
        "balanced_accuracy": pytest.approx(100 * sklearn.balanced_accuracy_score(labels, predicted)),
        "mcc": pytest.approx(sklearn.matthews_corrcoef(labels, predicted), abs=1e-12),
        "kappa": pytest.approx(sklearn.cohen_kappa_score(labels, predicted), abs=1e-12),
    }


@pytest.mark.parametrize(
    ("matrix", "values"),
    [
        (BY_HAND, (0.403725, 0.40625, 0.289815, 0.287975)),
        ([[6, 2, 1, 0], [3, 4, 2, 0], [2, 1, 5, 0], [0, 0, 0, 0]], (0.575, 0.578704, 0.367728, 0.364444)),
        ([[9, 0, 0, 0], [3, 0, 0, 0], [4, 0, 0, 0], [1, 0, 0, 0]], (0.173077, 0.25, 0.0, 0.0)),
        ([[5, 3], [2, 8]], (0.714286, 0.7125, 0.4332, 0.43038)),
    ],
    ids=["four classes", "a class without cycles", "always normal", "two classes"],
)
def test_metrics_agree_with_torchmetrics(matrix, values):
    """The values are those of multiclass F1, recall (macro), Matthews and kappa of torchmetrics 1.9."""
    found = agreement(np.array(matrix))
    scaled = [float(found[name]) / (100 if name in ("macro_f1", "balanced_accuracy") else 1) for name in AGREEMENT]
    assert scaled == pytest.approx(values, abs=1e-6)


def test_one_label_leaves_correlations_undefined():
    found = agreement(np.array([[5, 1], [0, 0]]))
    assert math.isnan(found["mcc"])
    assert math.isnan(found["kappa"])
    assert float(found["balanced_accuracy"]) == pytest.approx(100 * 5 / 6)
    assert all(math.isnan(value) for value in agreement(np.zeros((2, 2))).values())


def test_predictive_values_worked_by_hand():
    # Of 1000 cycles 100 are abnormal: 90 are found, and 180 of 900 normal ones are called abnormal.
    found = predictive_values(80, 90, 0.1)
    assert float(found["ppv"]) == pytest.approx(100 * 90 / 270)
    assert float(found["npv"]) == pytest.approx(100 * 720 / 730)


def test_predictive_values_at_the_prevalence_of_the_test_set_are_precisions():
    # 22 of 30 cycles: 5 + 3 + 4 predictions of an abnormal class are of abnormal cycles, 4 are not.
    found = all_metrics(BY_HAND, float(BY_HAND[1:].sum() / BY_HAND.sum()))
    assert set(found) == set(FURTHER)
    assert float(found["ppv"]) == pytest.approx(100 * BY_HAND[1:, 1:].sum() / BY_HAND[:, 1:].sum())
    assert float(found["npv"]) == pytest.approx(100 * BY_HAND[0, 0] / BY_HAND[:, 0].sum())


def test_a_model_that_never_says_abnormal_has_no_ppv():
    found = predictive_values(100, 0, 0.25)
    assert math.isnan(found["ppv"])
    assert float(found["npv"]) == pytest.approx(75)


def test_runs_are_averaged_not_pooled():
    two = [np.array([[4, 0], [0, 4]]), np.array([[0, 4], [4, 0]])]
    mean, sd = over_runs(two, 0.5)["mcc"]
    assert (mean, sd) == (0, pytest.approx(math.sqrt(2)))
    assert math.isnan(over_runs(two[:1], 0.5)["mcc"][1])
