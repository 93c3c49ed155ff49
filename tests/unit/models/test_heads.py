"""Heads of corpora: outputs of one head, probabilities of shared classes, and the loss of each head alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch.nn.functional import cross_entropy

from models.heads import KEY, Head, Heads
from models.training.objectives import CrossEntropy
from models.training.selection import by_head

HEADS = Heads(
    {
        "a": Head(labels="sounds", classes=("normal", "crackle", "wheeze", "both"), shared=(0, 1, 2, 3)),
        "b": Head(labels="events", classes=("normal", "stridor", "fine", "coarse"), shared=(0, None, 1, 1)),
    }
)
LOGITS = arrays(np.float32, (6, 8), elements=st.floats(-8, 8, width=32))


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits.astype(np.float64))
    return shares / shares.sum(axis=1, keepdims=True)


@given(LOGITS)
def test_the_probability_of_a_shared_class_is_the_sum_of_the_classes_that_mean_it(logits):
    found = np.exp(HEADS.shared(logits, ["a", "b"] * 3, 4))
    assert found[::2] == pytest.approx(softmax(logits[::2, :4]), abs=1e-5)
    own = softmax(logits[1::2, 4:])
    known = own[:, [0, 2, 3]].sum(axis=1)
    wanted = np.stack([own[:, 0] / known, (own[:, 2] + own[:, 3]) / known, 0 * known, 0 * known], axis=1)
    assert found[1::2] == pytest.approx(wanted, abs=1e-5)


@given(LOGITS)
def test_a_cycle_of_another_corpus_is_judged_by_the_mean_of_all_heads(logits):
    of_each = [np.exp(HEADS.shared(logits, [corpus] * 6, 4)) for corpus in ("a", "b")]
    assert np.exp(HEADS.shared(logits, None, 4)) == pytest.approx(np.mean(of_each, axis=0), abs=1e-5)


def test_a_card_gives_the_same_heads_and_one_without_heads_none():
    assert Heads.from_card({KEY: HEADS.card()}) == HEADS
    assert Heads.from_card({"classes": ["normal"]}) is None
    assert (HEADS.sizes, HEADS.outputs, HEADS.names[4:6]) == ((4, 4), 8, ["b/normal", "b/stridor"])
    logits = np.arange(16, dtype=np.float32).reshape(2, 8)
    assert HEADS.native(logits, "b").tolist() == logits[:, 4:].tolist()


@pytest.mark.parametrize("weights", [None, torch.linspace(0.3, 1, 8)], ids=["equal", "weighted"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_cycle_counts_with_its_own_head_and_moves_no_other(weights, smoothing):
    logits = torch.randn(5, 8, requires_grad=True)
    labels = torch.tensor([0, 3, 2, 7, 4])
    loss = CrossEntropy(smoothing, weights, HEADS.sizes).mean_loss(logits, labels, None)
    total = torch.zeros(())
    for rows, columns in by_head(labels.numpy(), HEADS.sizes):
        own = None if weights is None else weights[columns]
        total += cross_entropy(
            logits[rows, columns], labels[rows] - columns.start, own, label_smoothing=smoothing, reduction="sum"
        )
    torch.testing.assert_close(loss, total / (5 if weights is None else weights[labels].sum()))
    loss.backward()
    assert (logits.grad[:3, 4:] == 0).all()
    assert (logits.grad[3:, :4] == 0).all()
    assert (logits.grad[:3, :4] != 0).all()
