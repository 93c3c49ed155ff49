"""Seeds of positions in a training, and the frequency of classes and cycles in an epoch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from models.training.randomness import derive_seed, generator
from models.training.samplers import Sampler

LABELS = np.repeat([0, 1, 2, 3], [200, 120, 50, 36])


def draw(name: str, seed: int, labels: np.ndarray = LABELS, domains: np.ndarray | None = None) -> np.ndarray:
    return Sampler(name, labels, domains).draw(torch.Generator().manual_seed(seed))


def test_weighted_draws_every_class_equally_often():
    drawn = np.concatenate([LABELS[draw("weighted", seed)] for seed in range(20)])
    assert len(drawn) == 20 * len(LABELS)
    assert chisquare(np.bincount(drawn)).pvalue > 0.01
    cycles = np.bincount(np.concatenate([draw("weighted", seed) for seed in range(200)]), minlength=len(LABELS))
    assert chisquare(cycles[LABELS == 3]).pvalue > 0.01, "equally within a class"


def test_weights_by_hand():
    labels = np.array([0, 0, 0, 0, 0, 2, 2, 3])  # shares of 5/8, 2/8 and 1/8
    drawn = np.concatenate([draw("weighted", seed, labels) for seed in range(1500)])
    chances = np.array([1 / 5] * 5 + [1 / 2] * 2 + [1]) / 3
    assert chisquare(np.bincount(drawn, minlength=8), chances * len(drawn)).pvalue > 0.01


BALANCED = ("device_balanced", "corpus_balanced")


@pytest.mark.parametrize("name", BALANCED)
def test_balanced_samplers_draw_the_domains_of_a_class_equally_often(name):
    labels = np.array([0] * 30 + [1] * 12)
    domains = np.array([0] * 20 + [1] * 9 + [3] + [0] * 8 + [3] * 4)  # the domain 2 has no cycle, 1 none of class 1
    drawn = np.concatenate([draw(name, seed, labels, domains) for seed in range(400)])
    chances = np.array([1 / 20] * 20 + [1 / 9] * 9 + [1.0]) / 3
    chances = np.concatenate([chances, np.array([1 / 8] * 8 + [1 / 4] * 4) / 2]) / 2
    assert chances.sum() == pytest.approx(1)
    assert chisquare(np.bincount(drawn, minlength=42), chances * len(drawn)).pvalue > 0.01


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=40))
def test_weights_of_classes_and_of_their_domains_are_equal(pairs):
    labels, domains = (np.array(column) for column in zip(*pairs, strict=True))
    weights = Sampler("device_balanced", labels, domains)._weights.numpy()
    sums = {pair: weights[(labels == pair[0]) & (domains == pair[1])].sum() for pair in set(pairs)}
    for label in set(labels.tolist()):
        assert weights[labels == label].sum() == pytest.approx(1)
        assert np.ptp([total for pair, total in sums.items() if pair[0] == label]) < 1e-12


def test_with_heads_the_corpora_are_equally_frequent_as_a_whole():
    labels, corpora = np.array([0, 0, 0, 1, 2, 3, 4, 4]), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    weights = Sampler("corpus_balanced", labels, corpora, heads=(2, 3))._weights.numpy()
    assert weights == pytest.approx([1 / 6, 1 / 6, 1 / 6, 1 / 2, 1 / 3, 1 / 3, 1 / 6, 1 / 6])


def test_with_one_domain_the_balanced_samplers_are_the_weighted_one():
    alone = np.zeros_like(LABELS)
    assert np.array_equal(draw("corpus_balanced", 5, LABELS, alone), draw("weighted", 5))
    with pytest.raises(ValueError, match="device_balanced needs the device or corpus of each training cycle"):
        Sampler("device_balanced", LABELS)


def test_shuffle_draws_every_cycle_once():
    order = draw("shuffle", 1)
    assert sorted(order) == list(range(len(LABELS)))
    assert not np.array_equal(order, np.arange(len(LABELS)))


def test_the_order_depends_only_on_the_seed():
    for name in ("weighted", "shuffle"):
        assert np.array_equal(draw(name, 3), draw(name, 3))
        assert not np.array_equal(draw(name, 3), draw(name, 4))


def test_a_class_without_cycles_is_never_drawn():
    labels = np.array([0, 0, 3])
    assert set(labels[draw("weighted", 1, labels)]) <= {0, 3}


def test_every_position_has_its_own_constant_seed():
    places = [(use, epoch, step) for use in ("order", "step", "network") for epoch in range(9) for step in range(9)]
    seeds = [derive_seed(seed, *place) for seed in (0, 1) for place in places]
    assert len(set(seeds)) == len(seeds)
    assert seeds[5] == derive_seed(0, *places[5])
    firsts = torch.tensor([torch.rand((), generator=generator(0, *place)) for place in places])
    assert abs(float(firsts.mean()) - 0.5) < 0.1, "neighbouring positions are independent"
    assert abs(float(torch.corrcoef(torch.stack([firsts[1:], firsts[:-1]]))[0, 1])) < 0.2
