import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from benchmarks.interval_coverage import coverage, percentile
from benchmarks.simulated_patients import Accuracy, simulate
from models.metrics import FIGURES, confusion_by_patient, figures
from tasks.evaluation.intervals import MIN_PATIENTS, Networks, difference, intervals, recalls

CYCLES = 20  # of each class and patient in `alike`


def limits(networks: Networks, name: str, suffix: str = "") -> tuple[float, float]:
    found = intervals(networks, 0.95)[name]
    return float(found["low" + suffix]), float(found["high" + suffix])


def alike(sp: object, se: object, patients: int = 18) -> np.ndarray:
    """Return matrices ``(1, patients, 2, 2)`` of patients with equal numbers of cycles, by their numbers of hits."""
    matrices = np.zeros((1, patients, 2, 2), dtype=np.int64)
    matrices[..., 0, 0], matrices[..., 1, 1] = sp, se
    matrices[..., 0, 1], matrices[..., 1, 0] = CYCLES - matrices[..., 0, 0], CYCLES - matrices[..., 1, 1]
    return matrices


def drawn(patients: int = 18, networks: int = 1, seed: int = 0) -> np.ndarray:
    hits = np.random.default_rng(seed).integers(0, CYCLES + 1, (2, networks, patients))
    return np.concatenate([alike(*each, patients) for each in zip(*hits, strict=True)])


def test_matrices_sum_over_runs_and_keep_patients_apart():
    labels, patients = np.array([0, 1, 1]), np.array([0, 0, 2])
    predicted = np.array([[0, 1, 0], [1, 1, 1]])
    found = confusion_by_patient(labels, predicted, patients, size=3, classes=2)
    assert found.tolist() == [[[1, 1], [0, 2]], [[0, 0], [0, 0]], [[0, 0], [1, 1]]]


@pytest.mark.parametrize("patients", [18, 49, 126])
def test_intervals_cover_the_truth_as_often_as_they_say(patients):
    """Patients differ as those of ICBHI do."""
    sets = simulate(np.random.default_rng(1), 1500, patients)
    one, other = Networks(sets.one), Networks(sets.other)
    found = [(row["low"], row["high"], sets.truth[name]) for name, row in intervals(one, 0.95).items()]
    found += [(row["low"], row["high"], 0.0) for row in difference(other, one, 0.95).values()]
    covered = [float(np.mean((low <= truth) & (truth <= high))) for low, high, truth in found]
    assert len(covered) == len(FIGURES) + 2
    assert min(covered) >= 0.93, covered
    assert max(covered) <= 0.97, covered


def test_a_percentile_bootstrap_covers_less():
    found = next(coverage(simulate(np.random.default_rng(1), 300, 18), percentile))
    assert found.percent < 93
    assert found.undefined == 0


def test_the_coverage_counts_test_sets_without_an_interval():
    sets = simulate(np.random.default_rng(1), 8, 3)
    of_score, of_sp, *_ = coverage(sets, None)
    undefined = [np.isnan(intervals(Networks(sets.one), 0.95)[name]["low"]).sum() for name in ("score_strict", "sp")]
    assert [of_score.undefined, of_sp.undefined] == undefined
    assert of_score.undefined > 0


@pytest.mark.slow
@pytest.mark.parametrize("patients", [18, 49, 126])
def test_intervals_over_patients_and_seeds_cover_means_over_all_seeds(patients):
    accuracy = Accuracy(of_seed=0.25, of_patient_and_seed=0.15, concentration=2.0)
    sets = simulate(np.random.default_rng(2), 600, patients, accuracy=accuracy, seeds=5)
    one, other = Networks(sets.one, seeds=True), Networks(sets.other, seeds=True)
    limits = {name: (row, sets.truth[name]) for name, row in intervals(one, 0.95).items()}
    limits["difference"] = difference(other, one, 0.95)["score_strict"], 0.0
    for name in ("score_strict", "sp", "se_strict", "difference"):
        found, truth = limits[name]
        by_kind = [(suffix, true) for suffix, true in (("", sets.fixed[name]), ("_seeds", truth), ("", truth))]
        of_networks, of_seeds, mistaken = (
            np.mean((found["low" + suffix] <= true) & (true <= found["high" + suffix])) for suffix, true in by_kind
        )
        assert 0.93 <= of_networks <= 0.975, name
        assert 0.92 <= of_seeds <= 0.98, name  # the standard error of 600 test sets is one point
        assert mistaken < of_seeds, "networks that are fixed say less about other seeds"


def test_the_variance_is_that_of_the_jackknife():
    matrices = simulate(np.random.default_rng(0), 1, 12).one[0]
    found = recalls(Networks(matrices), seeds=False)
    left_out = [figures(np.delete(matrices, patient, axis=1).sum((0, 1))) for patient in range(12)]
    for name, column in (("sp", 0), ("se_strict", 1), ("se_lenient", 1)):
        cycles = matrices[0, :, column].sum(-1)
        values, known = np.array([one[name] for one in left_out]), int((cycles > 0).sum())
        jackknife = (known - 1) / known * ((values - found[name].value) ** 2).sum()
        assert found[name].variance == pytest.approx(jackknife)
        assert found[name].value == pytest.approx(figures(matrices.sum((0, 1)))[name])


def test_patients_with_one_cycle_have_wilson_limits():
    """Reference: SciPy's Wilson interval, which treats cycles as independent, as they are here."""
    hits = np.arange(2000) < 460
    matrices = np.zeros((1, 4000, 2, 2), dtype=np.int64)
    matrices[0, :2000, 0, 0], matrices[0, :2000, 0, 1], matrices[0, 2000:, 1, 1] = hits, ~hits, 1
    expected = stats.binomtest(460, 2000).proportion_ci(method="wilson")
    assert limits(Networks(matrices), "sp") == pytest.approx((100 * expected.low, 100 * expected.high), abs=0.02)


def test_differences_of_patients_alike_have_the_interval_of_the_paired_t_test():
    """Reference: SciPy's paired t-test of the patients' own Scores."""
    generator = np.random.default_rng(3)
    one, other = (alike(*generator.binomial(CYCLES, [[0.5], [0.6]], (2, 60)), 60) for _ in range(2))
    own = [(side[0, :, 0, 0] + side[0, :, 1, 1]) * 50 / CYCLES for side in (one, other)]
    expected = stats.ttest_rel(*own).confidence_interval(0.95)
    found = difference(Networks(one), Networks(other), 0.95)["score_strict"]
    # Degrees of freedom follow from the data as well, so that the quantile of t is a little larger.
    assert (found["low"], found["high"]) == pytest.approx((expected.low, expected.high), rel=0.02)
    assert found["difference"] == pytest.approx(own[0].mean() - own[1].mean())


def test_the_limits_of_many_similar_patients_are_those_of_a_bootstrap():
    """Reference: SciPy's BCa bootstrap of the ratio estimator."""
    matrices = alike(*np.random.default_rng(4).binomial(CYCLES, [[0.7], [0.4]], (2, 126)), 126)

    def score(sp, se, axis):
        return 50 * (sp.mean(axis) + se.mean(axis)) / CYCLES

    hits = (matrices[0, :, 0, 0], matrices[0, :, 1, 1])
    found = stats.bootstrap(hits, score, paired=True, vectorized=True, n_resamples=2000, rng=np.random.default_rng(0))
    expected = found.confidence_interval
    assert limits(Networks(matrices), "score_strict") == pytest.approx((expected.low, expected.high), abs=0.25)


@pytest.mark.parametrize(
    ("sp", "se", "of_sp", "of_se"),
    [(CYCLES, 0, (80.2, 100.0), (0.0, 19.8)), (CYCLES, CYCLES, (80.2, 100.0), (80.2, 100.0))],
)
def test_where_every_cycle_is_right_each_patient_is_one_observation(sp, se, of_sp, of_se):
    """A model that says one class always, and a perfect one: no patient differs, so that a Score has no interval."""
    networks = Networks(alike(sp, se))
    assert limits(networks, "sp") == pytest.approx(of_sp, abs=0.05)
    assert limits(networks, "se_strict") == pytest.approx(of_se, abs=0.05)
    assert np.isnan(limits(networks, "score_strict")).all()


def test_a_single_error_leaves_an_interval_as_wide_as_one_patient_can_tell():
    hits = np.full(18, CYCLES)
    hits[3] -= 1
    low, high = limits(Networks(alike(hits, 8)), "sp")
    assert 80 < low < 90
    assert high > 99.9


def test_equal_patients_have_the_interval_of_independent_cycles():
    low, high = limits(Networks(alike(15, 8)), "sp")
    assert (low, high) == pytest.approx((70, 79.5), abs=1)


def test_with_too_few_patients_there_is_no_interval():
    matrices = drawn()
    matrices[:, MIN_PATIENTS - 1 :, 1] = 0
    found = intervals(Networks(matrices), 0.95)
    assert {name for name, row in found.items() if np.isfinite(row["low"])} == {"sp"}
    minus = difference(Networks(matrices), Networks(drawn(seed=1) * (matrices.sum(-1, keepdims=True) > 0)), 0.95)
    assert np.isnan(minus["score_strict"]["low"])


@settings(max_examples=30)
@given(arrays(np.int64, (2, 4, 3, 3), elements=st.integers(0, 3)), st.booleans())
def test_limits_of_any_matrices_enclose_the_figure_or_are_undefined(matrices, seeds):
    matrices[1] = matrices[0, :, ::-1]
    cycles = matrices[0].sum(-1)
    matrices[1] *= (matrices[1].sum(-1) == cycles)[..., np.newaxis]
    same = (matrices[0].sum(-1) == matrices[1].sum(-1)).all(axis=-1)
    matrices = matrices * same[:, np.newaxis, np.newaxis]
    with np.errstate(all="raise"):
        found = intervals(Networks(matrices, seeds), 0.95)
        minus = difference(Networks(matrices, seeds), Networks(matrices[:1]), 0.95)
    mean = {name: value.mean() for name, value in figures(matrices.sum(1)).items()}
    for name, row in found.items():
        for low, high in ((row["low"], row["high"]), (row.get("low_seeds", np.nan), row.get("high_seeds", np.nan))):
            assert np.isnan(low) == np.isnan(high)
            assert np.isnan(low) or -1e-9 <= low <= mean[name] + 1e-9 <= high + 2e-9 <= 100 + 4e-9
    for row in minus.values():
        assert np.isnan(row["low"]) or -100 <= row["low"] <= row["difference"] <= row["high"] <= 100


def test_a_difference_is_paired():
    """Both models have the same difficult patients: the difference varies far less than either Score."""
    one = drawn(40)
    changed = np.where(one[..., 1, 1] > 10, 2, 1)
    other = one + changed[..., np.newaxis, np.newaxis] * np.array([[0, 0], [1, -1]])
    found = difference(Networks(other), Networks(one), 0.95)["score_strict"]
    low, high = limits(Networks(one), "score_strict")
    assert found["high"] - found["low"] < (high - low) / 10
    assert found["low"] < found["difference"] < found["high"]


def test_a_difference_that_is_the_same_for_each_patient_has_no_interval():
    one = drawn()
    for other in (one, one + np.array([[0, 0], [1, -1]])):
        found = difference(Networks(one), Networks(other), 0.95)["score_strict"]
        assert np.isnan([found["low"], found["high"]]).all()
        assert np.isfinite(found["difference"])


def test_seeds_widen_an_interval_where_there_are_several():
    several, single = Networks(drawn(networks=3), seeds=True), Networks(drawn(networks=1), seeds=True)
    for name in FIGURES:
        (low, high), (lowest, highest) = limits(several, name), limits(several, name, "_seeds")
        assert lowest <= low < high <= highest
    assert set(intervals(single, 0.95)["sp"]) == {"low", "high"}


def test_the_same_seeds_are_paired():
    """Reference: SciPy's paired t-test. Two rules of seeds that differ by much, and for each of 400 patients alike."""
    hits = np.array([[5, 15, 10, 8], [6, 15, 12, 9]])
    first, second = (
        np.concatenate([alike(one, one, 400) for one in side]) for side in np.broadcast_to(hits[..., None], (2, 4, 400))
    )
    expected = stats.ttest_rel(*(hits * 100 / CYCLES)).confidence_interval(0.95)
    one, other = Networks(first, seeds=True), Networks(second, seeds=True)
    found = difference(one, other, 0.95, same_seeds=True)["score_strict"]
    assert [found["low_seeds"], found["high_seeds"]] == pytest.approx([expected.low, expected.high])
    apart = difference(one, other, 0.95)["score_strict"]
    assert apart["high_seeds"] - apart["low_seeds"] > 5 * (found["high_seeds"] - found["low_seeds"])


def test_a_difference_is_over_seeds_if_each_trained_side_has_several():
    several, single, fixed = (
        Networks(drawn(networks=number), seeds=seeds) for number, seeds in ((3, True), (1, True), (2, False))
    )
    keys = {"low_seeds", "high_seeds"}
    assert keys <= set(difference(several, fixed, 0.95)["score_strict"])
    assert keys <= set(difference(several, several, 0.95)["score_lenient"])
    for sides in ((several, single), (single, fixed), (fixed, fixed)):
        assert not keys & set(difference(*sides, 0.95)["score_strict"])


@pytest.mark.parametrize(("one", "other"), [(2, 2), (5, 2)])
def test_each_side_of_a_difference_has_its_own_degrees_of_freedom_over_seeds(one, other):
    """Reference: SciPy's Welch test. Seeds differ by much, and the 400 patients alike by nothing."""
    generator = np.random.default_rng(5)
    hits = [np.tile(generator.integers(4, 16, (2, seeds, 1)), 400) for seeds in (one, other)]
    sides = [np.concatenate([alike(*each, 400) for each in zip(*side, strict=True)]) for side in hits]
    scores = [side[..., 0].mean(axis=0) * 100 / CYCLES for side in hits]
    expected = stats.ttest_ind(*scores, equal_var=False).confidence_interval(0.95)
    found = difference(*(Networks(side, seeds=True) for side in sides), 0.95)["score_strict"]
    limits = [max(expected.low, -100), min(expected.high, 100)]
    assert [found["low_seeds"], found["high_seeds"]] == pytest.approx(limits)
