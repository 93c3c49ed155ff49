"""Seeds of positions in a training, and the frequency of classes and cycles in an epoch."""

import numpy as np
import torch
from scipy.stats import chisquare

from models.training.randomness import derive_seed, generator
from models.training.samplers import Sampler

LABELS = np.repeat([0, 1, 2, 3], [200, 120, 50, 36])


def draw(name: str, seed: int, labels: np.ndarray = LABELS) -> np.ndarray:
    return Sampler(name, labels).draw(torch.Generator().manual_seed(seed))


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
