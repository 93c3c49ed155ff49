"""PSI and tests of binned samples, against values computed by hand and by scipy.stats."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.stats import binomtest

from tasks.monitoring import comparison, shares
from tasks.monitoring.reference import Inputs, Outputs, counts, reference
from tasks.monitoring.settings import Thresholds
from tests.unit.tasks.monitoring.simulated import USUAL


def test_the_psi_of_large_samples_is_the_sum_by_definition():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.3, 0.3])
    expected = 0.1 * np.log(0.5 / 0.4) + 0.1 * np.log(0.3 / 0.2)
    assert comparison.psi(p, 10**9, q, 10**9) == pytest.approx(expected, rel=1e-6)
    assert comparison.psi(p, 100, p, 50) == pytest.approx(0, abs=1e-3)


def test_the_psi_of_an_empty_bin_is_finite_and_grows_with_the_number_of_recordings():
    p, q = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    few, many = (comparison.psi(p, 100, q, number) for number in (10, 1000))
    assert 1 < few < many < 20


def test_the_ordered_test_is_that_of_scipy_at_the_edges():
    rng = np.random.default_rng(1)
    one, other = rng.integers(0, 10, 400), rng.integers(2, 11, 300)
    place = [np.bincount(side, minlength=11).astype(float) for side in (one, other)]
    expected = stats.ks_2samp(one, other, method="asymp").pvalue
    assert comparison.ordered_p(place[0] / 400, 400, place[1]) == pytest.approx(expected, rel=0.5)


def test_the_unordered_test_is_that_of_scipy_where_no_category_is_rare():
    one, other = np.array([60.0, 30.0, 10.0]), np.array([20.0, 25.0, 15.0])
    expected = stats.chi2_contingency([one, other], correction=False).pvalue
    assert comparison.unordered_p(one / 100, 100, other) == pytest.approx(expected)


def test_rare_categories_are_joined_and_one_that_is_left_says_nothing():
    one, other = np.array([0.97, 0.01, 0.01, 0.01]), np.array([40.0, 0.0, 0.0, 1.0])
    assert comparison.unordered_p(one, 100, other) == 1
    assert comparison.unordered_p(np.array([1.0, 0.0]), 100, np.array([0.0, 30.0])) < 1e-6


def test_bins_hold_equal_shares_and_the_outer_ones_nothing():
    values = list(np.random.default_rng(0).normal(-30, 5, 500))
    found = reference(
        Inputs(
            patient=["a"] * 500,
            level_dbfs=[*values[:-1], None],
            centroid_hz=[float("-inf")] * 500,
            duration_s=[20.0] * 500,
            sample_rate=[4000] * 500,
            device=[None] * 500,
            usable=[True] * 499 + [False],
        ),
        Outputs(recording=[], patient=[], decision=[], predicted=[], confidence=[]),
    )
    shares = found["level_dbfs"]["shares"]
    assert (shares[0], shares[-1]) == (0, 0)
    assert shares[1:-1] == pytest.approx([0.1] * 10, abs=0.01)
    assert found["duration_s"] == {"edges": [19.98, 20.02], "shares": [0, 1, 0]}
    assert found["not_judged"] == 0.002
    assert {"centroid_hz", "device", "distance"}.isdisjoint(found)


def test_each_recording_counts_the_same_however_many_cycles_it_has():
    found = reference(
        Inputs(patient=[], level_dbfs=[], centroid_hz=[], duration_s=[], sample_rate=[], device=[], usable=[]),
        Outputs(
            recording=["a"] * 9 + ["b"],
            patient=["p"] * 10,
            decision=["judged"] * 10,
            predicted=["normal"] * 9 + ["wheeze"],
            confidence=[0.2] * 9 + [0.9],
        ),
    )
    assert found["predicted"] == {"normal": 0.5, "wheeze": 0.5}
    confidence = found["confidence"]
    assert counts(confidence["edges"], [0.2, 0.9]) @ confidence["shares"] == 1


def test_limits_of_a_share_are_those_of_wilson_and_wider_if_segments_resemble_each_other():
    def limits(parts: list[tuple[int, int]]) -> tuple[float, float]:
        usual = USUAL.entries(len(parts), 1)[0]
        entries = [
            replace(entry, segments=all_, decisions={"judged": all_ - some, "unlike": some})
            for entry, (some, all_) in zip(usual, parts, strict=True)
        ]
        found = shares.compare({}, entries, Thresholds())[2]
        assert found.name == "unlike"
        return found.low, found.high

    ones = [(index < 4, 1) for index in range(50)]
    assert limits(ones) == pytest.approx(tuple(binomtest(4, 50).proportion_ci(method="wilson")), abs=1e-4)
    assert limits([(0, 1)] * 40) == pytest.approx(tuple(binomtest(0, 40).proportion_ci(method="wilson")), abs=1e-4)
    assert limits([(some * 100, 100) for some, _ in ones]) == pytest.approx(limits(ones))  # no more than 50 recordings
    low, high = limits([(8, 100)] * 25 + [(9, 100)] * 25)
    assert high - low < 0.2


@pytest.mark.parametrize(("same", "size"), [(False, 300.0), (True, 60.0)])
def test_recordings_of_one_patient_count_as_one_where_they_are_equal(same, size):
    rng = np.random.default_rng(3)
    values = np.repeat(rng.normal(size=60), 5) if same else rng.normal(size=300)
    found = reference(
        Inputs(
            patient=[str(index // 5) for index in range(300)],
            level_dbfs=list(values),
            centroid_hz=[None] * 300,
            duration_s=[20.0] * 300,
            sample_rate=[4000] * 300,
            device=[None] * 300,
            usable=[True] * 300,
        ),
        Outputs(recording=[], patient=[], decision=[], predicted=[], confidence=[]),
    )
    assert found["effective"]["level_dbfs"] == pytest.approx(size, rel=0.1)
    assert found["effective"]["sample_rate"] == 300  # one rate, so no variance
