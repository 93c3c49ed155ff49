"""Tests of maps: a network of one band, shares of repeated frames, correlations, and means over patients."""

import math

import pytest
import torch
from scipy import stats

from models.explanation.settings import Method
from models.frontends.axes import Axes
from tasks.explanation import faithfulness, patient_means
from tasks.explanation.maps import Explained
from tests.unit.models.explanation.banded import FRAMES, MELS, Banded, loud

CYCLES = 6
PATIENTS = ["101", "102", "103", "104", "105", "105"]


def explained() -> Explained:
    own = torch.ones(CYCLES, FRAMES, dtype=torch.bool)
    own[:2, FRAMES // 2 :] = False  # the first two cycles are repeated once
    axes = Axes(seconds=torch.arange(FRAMES).double().numpy(), hertz=torch.arange(MELS).double().numpy())
    return Explained(
        network=Banded().eval(),
        features=4 * loud(CYCLES),
        targets=torch.zeros(CYCLES, dtype=torch.long),
        outputs=torch.ones(CYCLES, 2, dtype=torch.bool),
        baseline=torch.zeros(MELS),
        axes=axes,
        own=own,
    )


def test_figures_of_a_network_that_depends_on_one_band():
    cycles = explained()
    drawn = {method: cycles.draw(method) for method in ("layer_cam", "integrated_gradients")}
    deaf = Banded().eval()
    with torch.no_grad():
        deaf.body[0].weight.zero_()
    found = faithfulness.figures(cycles, drawn, deaf, PATIENTS, steps=4, confidence=0.95, seed=0)
    assert set(found["orders"]) == {"layer_cam", "integrated_gradients", "random", "energy"}
    curve = found["orders"]["layer_cam"]["deletion"]["curve"]
    assert curve[0] > 0.99
    assert curve[1:] == [0.5] * 4
    assert found["methods"]["integrated_gradients"]["completeness_gap"] == pytest.approx(0, abs=1e-4)  # it is linear
    assert "completeness_gap" not in found["methods"]["layer_cam"]
    for method in drawn:
        figures = found["methods"][method]
        assert figures["deletion_minus_random"]["high"] < -0.2
        assert figures["deletion_minus_energy"]["high"] < -0.2
        assert figures["deletion_minus_random"]["patients"] == 5
        # Half of the clip is repeated, and so is half of the weight.
        assert figures["outside"]["mean"] == pytest.approx(0.5, abs=0.02)
        assert figures["outside_frames"] == {"mean": 0.5, "low": None, "high": None, "patients": 2}
        # The untrained network's maps are constant, so that there is no correlation.
        assert figures["correlation_with_untrained"] == {"mean": None, "low": None, "high": None, "patients": 0}


def test_a_trained_network_and_itself_have_the_same_maps():
    cycles = explained()
    method: Method = "layer_cam"
    found = faithfulness.figures(
        cycles, {method: cycles.draw(method)}, cycles.network, PATIENTS, steps=2, confidence=0.95, seed=0
    )
    assert found["methods"][method]["correlation_with_untrained"]["mean"] == 1.0


def test_constant_logits_have_no_completeness_gap():
    cycles = explained()
    with torch.no_grad():
        cycles.network.head.weight.zero_()
    drawn = {"integrated_gradients": cycles.draw("integrated_gradients")}
    found = faithfulness.figures(cycles, drawn, Banded().eval(), PATIENTS, steps=1, confidence=0.95, seed=0)
    assert found["methods"]["integrated_gradients"]["completeness_gap"] is None


def test_rank_correlation_follows_the_order_only():
    one = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [1.0, 1.0]]])
    other = torch.tensor([[[1.0, 10.0], [11.0, 99.0]], [[4.0, 3.0], [2.0, 1.0]], [[1.0, 2.0], [3.0, 4.0]]])
    assert faithfulness.rank_correlation(one, other).tolist()[:2] == [1.0, -1.0]
    assert math.isnan(faithfulness.rank_correlation(one, other)[2])


def test_means_over_patients_are_those_of_a_t_test():
    values, patients = [1.0, 3.0, 4.0, 6.0, math.nan, 8.0], ["9", "9", "10", "11", "12", "11"]
    found = patient_means.mean(values, patients, 0.9)
    expected = stats.ttest_1samp([2.0, 4.0, 7.0], 0).confidence_interval(0.9)
    assert found["mean"] == pytest.approx(13 / 3, abs=1e-4)
    assert found["low"] == pytest.approx(expected.low, abs=1e-4)
    assert found["high"] == pytest.approx(expected.high, abs=1e-4)
    assert found["patients"] == 3
    assert patient_means.mean(values, patients, 0.9, (0.0, 5.0))["high"] == 5.0
    assert patient_means.mean([1.0, 2.0], ["1", "2"], 0.9)["low"] is None
    assert patient_means.mean([0.1, 0.1, 0.1], ["1", "2", "3"], 0.9)["low"] is None
    assert patient_means.mean([math.nan], ["1"], 0.9)["mean"] is None
