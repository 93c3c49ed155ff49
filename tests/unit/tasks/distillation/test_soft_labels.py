"""Logits of teachers become soft labels."""

import numpy as np
import pytest

from tasks.distillation.settings import SoftLabelSettings
from tasks.distillation.soft_labels import candidates, combine, noisy, select, soften
from tasks.runtime.errors import BreathlineError

LOGITS = np.random.default_rng(0).normal(0, 2, (3, 50, 4)).astype(np.float32)  # teachers, cycles, classes
LABELS = np.random.default_rng(1).integers(0, 4, 50)


def test_the_mean_of_logits_softened_by_hand():
    one, two = np.array([[2.0, 0.0]], dtype=np.float32), np.array([[0.0, 0.0]], dtype=np.float32)
    assert combine([one, two])[0].tolist() == pytest.approx([np.e / (np.e + 1), 1 / (np.e + 1)])
    halved = np.exp(0.5) / (np.exp(0.5) + 1)
    assert combine([one, two], 2.0)[0, 0] == pytest.approx(halved)


def test_the_mean_gives_one_candidate_and_random_one_of_each_teacher():
    mean = candidates(LOGITS, LABELS, SoftLabelSettings(k=3))
    assert mean.shape == (50, 1, 4)
    np.testing.assert_allclose(mean[:, 0], combine(list(LOGITS)), rtol=1e-6)
    random = candidates(LOGITS, LABELS, SoftLabelSettings(k=3, combination="random", temperature=2.0))
    assert random.shape == (50, 3, 4)
    for teacher in range(3):
        np.testing.assert_allclose(random[:, teacher], combine([LOGITS[teacher]], 2.0), rtol=1e-6)


def test_only_teachers_that_may_label_a_cycle_do_and_the_first_of_them():
    allowed = {"a": np.arange(50) < 25, "b": np.arange(50) >= 25, "c": np.arange(50) >= 10}
    logits = dict(zip(allowed, LOGITS, strict=True))
    chosen = select(logits, allowed, 1)
    np.testing.assert_array_equal(chosen[0, :25], LOGITS[0, :25])
    np.testing.assert_array_equal(chosen[0, 25:], LOGITS[1, 25:])
    with pytest.raises(BreathlineError, match="10 cycles have fewer than 2 teachers"):
        select(logits, allowed, 2)


def test_noise_has_the_variance_that_was_asked_for_and_nothing_of_the_teachers():
    labels = np.zeros(20_000, dtype=np.int64)
    soft = noisy(labels, np.array([0.01, 0.0, 0.0, 0.0]), seed=3)
    np.testing.assert_allclose(soft[:, 0], 1, rtol=1e-6)  # noise on one class alone is normalised away
    soft = noisy(labels, np.full(4, 0.1), seed=3)
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-5)
    assert (soft >= 0).all()
    assert (soft[:, 1] == 0).mean() == pytest.approx(0.5, abs=0.02), "half of the noise is below zero"
    # max(0, n) / (1 + n'), n and n' ~ N(0, 0.1): about σ / √(2π) · (1 + σ²) = 0.139
    kept = soft[soft[:, 0] > 0.2]
    assert (kept[:, 1] / kept[:, 0]).mean() == pytest.approx(0.139, abs=0.02)
    settings = SoftLabelSettings(k=3, combination="label_noise", noise_variance=0.1)
    one, other = candidates(LOGITS, LABELS, settings), candidates(-LOGITS, LABELS, settings)
    np.testing.assert_array_equal(one, other)
    assert (one[:, 0].argmax(axis=1) == LABELS).mean() > 0.9


def test_noise_may_have_a_variance_for_each_class():
    labels = np.zeros(5000, dtype=np.int64)
    published = SoftLabelSettings(k=1, combination="label_noise", noise_variance=(1.192, 0.906, 0.619, 0.358))
    soft = candidates(np.zeros((1, 5000, 4), dtype=np.float32), labels, published)[:, 0]
    means = soft.mean(axis=0)
    assert means[0] > means[1] > means[2] > means[3] > 0
    np.testing.assert_array_equal(soft, noisy(labels, np.array([1.192, 0.906, 0.619, 0.358]), seed=0))
    with pytest.raises(BreathlineError, match="There are 4 variances for 2 classes"):
        candidates(LOGITS[..., :2], LABELS % 2, published)


def test_a_single_teacher_gives_its_own_softmax_be_it_drawn_or_averaged():
    alone = LOGITS[:1]
    for combination in ("mean", "random"):
        found = candidates(alone, LABELS, SoftLabelSettings(k=1, combination=combination))
        assert found.shape == (alone.shape[1], 1, alone.shape[2])
        np.testing.assert_allclose(found[:, 0], soften(alone[0]), atol=1e-6)


def test_teacher_noise_takes_each_class_variance_over_the_teachers():
    logits = np.zeros((2, 2000, 3), dtype=np.float32)
    logits[:, :, 1] = [[-2.0], [2.0]]  # the teachers differ in class 1 alone: variance 4
    labels = np.zeros(2000, dtype=np.int64)
    soft = candidates(logits, labels, SoftLabelSettings(k=2, combination="teacher_noise"))[:, 0]
    assert (soft[:, 2] == 0).all()
    # 1 : max(0, n), n ~ N(0, 4): class 1 outweighs where n > 1, which is P(z > 0.5) = 30.9 %
    assert (soft[:, 1] > soft[:, 0]).mean() == pytest.approx(0.309, abs=0.03)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"k": 1, "combination": "teacher_noise"}, "^k: at least 2"),
        ({"k": 2, "combination": "teacher_noise", "temperature": 2.0}, "^temperature: 1.0, because teacher_noise"),
        ({"k": 1, "combination": "label_noise", "temperature": 0.5}, "^temperature: 1.0, because label_noise"),
    ],
)
def test_controls_that_would_be_hard_labels_or_ignore_an_option_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        SoftLabelSettings(**wrong)
