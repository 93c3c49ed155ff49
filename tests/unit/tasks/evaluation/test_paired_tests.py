import tracemalloc
from itertools import product

import numpy as np
import pytest
from scipy import stats

from models.metrics import SCORES, confusion_by_patient, figures
from tasks.evaluation import paired_tests

CLASSES, PATIENTS, EACH = 3, 7, 6
RANDOM = np.random.default_rng(3)
LABELS = RANDOM.integers(0, CLASSES, PATIENTS * EACH)
OF = np.repeat(np.arange(PATIENTS), EACH)


def predictions(skill: float, runs: int = 1) -> np.ndarray:
    """Return predictions ``(runs, cycles)``, right with a probability of at least `skill`."""
    guessed = RANDOM.integers(0, CLASSES, (runs, len(LABELS)))
    return np.where(RANDOM.random(guessed.shape) < skill, LABELS, guessed)


def matrices(predicted: np.ndarray) -> list[np.ndarray]:
    return [confusion_by_patient(LABELS, run[None], OF, size=PATIENTS, classes=CLASSES) for run in predicted]


def test_parts_of_patients_sum_to_the_scores():
    (found,) = matrices(predictions(0.5))
    expected = figures(found.sum(0))
    assert {name: part.sum() for name, part in paired_tests.by_patient(found).items()} == pytest.approx(
        {name: float(expected[name]) for name in SCORES}
    )


@pytest.mark.parametrize("runs", [1, 3])
def test_the_permutation_test_counts_all_swaps_of_whole_patients(runs):
    one, other = predictions(0.7, runs), predictions(0.3)
    differences: dict[str, list[float]] = {name: [] for name in SCORES}
    a, b = (np.mean(np.stack(matrices(side)), axis=0) for side in (one, other))
    for swap in product([False, True], repeat=PATIENTS):
        swapped = np.array(swap)[:, None, None]
        first, second = figures(np.where(swapped, b, a).sum(0)), figures(np.where(swapped, a, b).sum(0))
        for name in SCORES:
            differences[name].append(float(first[name] - second[name]))
    found = paired_tests.permutation(matrices(one), matrices(other), seed=0, resamples=9999)
    for name, null in differences.items():
        observed, drawn = null[0], np.array(null)
        tails = [(drawn >= observed - 1e-9).mean(), (drawn <= observed + 1e-9).mean()]
        assert found[name] == pytest.approx(min(1, 2 * min(tails)))


def test_swapping_many_patients_at_random_repeats():
    size = 40
    generator = np.random.default_rng(0)
    hits = generator.integers(5, 15, size=(size, 2))
    one = np.stack([hits[:, 0], 20 - hits[:, 0], 20 - hits[:, 1], hits[:, 1]], axis=1).reshape(-1, 2, 2)
    better = one + np.array([[2, -2], [-1, 1]])
    found = paired_tests.permutation([better], [one], seed=1, resamples=9999)
    assert found == paired_tests.permutation([better], [one], seed=1, resamples=9999)
    assert found["score_strict"] == pytest.approx(2 / (9999 + 1))
    assert paired_tests.permutation([one], [one], seed=1, resamples=9999)["score_strict"] == 1


@pytest.mark.parametrize("size", [9, 40], ids=["all swaps", "random swaps"])
def test_swaps_in_parts_give_the_same_p_value_in_less_memory(monkeypatch, size):
    parts = np.random.default_rng(2).normal(0.2, 1, size)
    whole = paired_tests._sign_flips(parts, 2000, 0)
    monkeypatch.setattr(paired_tests, "AT_ONCE", 100 * size)
    tracemalloc.start()
    assert paired_tests._sign_flips(parts, 2000, 0) == whole
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_difference_without_normal_cycles_or_of_one_patient_has_no_p_value():
    matrix = np.array([[[0, 0], [1, 3]], [[0, 0], [2, 2]]])
    assert np.isnan(paired_tests.permutation([matrix], [matrix], seed=0, resamples=9999)["score_strict"])
    alone = np.array([[[3, 1], [1, 3]]])
    assert np.isnan(paired_tests.permutation([alone], [alone], seed=0, resamples=9999)["score_strict"])


def test_mcnemar_counts_the_cycles_that_only_one_network_predicts_correctly():
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    one, other = np.array([0, 0, 1, 1, 2, 2, 0, 2]), np.array([0, 1, 0, 2, 0, 1, 1, 2])
    found = paired_tests.mcnemar(labels, one, other)
    # Strictly, the first alone is right in cycles 1, 3 and 5, the second in 2; leniently 1 and 4 against 2 and 6.
    assert found["score_strict"] == {"only_one": 3, "only_other": 1, "p": stats.binomtest(1, 4).pvalue}
    assert found["score_lenient"] == {"only_one": 2, "only_other": 2, "p": 1.0}
    assert paired_tests.mcnemar(labels, one, one)["score_strict"] == {"only_one": 0, "only_other": 0, "p": 1.0}


def test_holm_worked_by_hand():
    assert paired_tests.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert paired_tests.holm([0.6, None, 0.5]) == [1.0, None, 1.0]
    assert paired_tests.holm([]) == []


def test_swaps_of_patients_hold_their_level_where_mcnemar_does_not():
    """Two networks that are equally good, each better with some patients: a p-value below 0.05 should be rare."""
    generator, small = np.random.default_rng(5), {"permutation": 0, "mcnemar": 0}
    size, each, runs = 8, 40, 60
    labels, of = np.tile([0, 1], size * each // 2), np.repeat(np.arange(size), each)
    for _ in range(runs):
        skill = generator.beta(2, 2, size=(2, size))[:, of]
        one, other = np.where(generator.random(skill.shape) < skill, labels, 1 - labels)
        pair = [confusion_by_patient(labels, side[None], of, size=size, classes=2) for side in (one, other)]
        small["permutation"] += (
            paired_tests.permutation(pair[:1], pair[1:], seed=0, resamples=9999)["score_strict"] < 0.05
        )
        small["mcnemar"] += paired_tests.mcnemar(labels, one, other)["score_strict"]["p"] < 0.05
    assert small["permutation"] <= 8
    assert small["mcnemar"] >= 20
