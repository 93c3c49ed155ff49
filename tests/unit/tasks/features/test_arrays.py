"""Features as they are cached, and their statistics."""

import math

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.frontends.registry import create
from tasks.features.arrays import Statistics, compute


def test_the_cache_holds_what_the_front_end_computes():
    front_end = create("ast", 0.5)
    cycles = [torch.rand(length, generator=torch.Generator().manual_seed(length)) for length in (1, 300, 8_000, 9_000)]
    features = compute(front_end, cycles)
    assert features.dtype == torch.float16
    expected = front_end(torch.stack([front_end.clip(cycle) for cycle in cycles]))
    torch.testing.assert_close(features.float(), expected, rtol=0, atol=1e-3)


@given(parts=st.lists(st.integers(1, 4), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_statistics_of_parts_add_up_to_those_of_the_whole(parts, seed):
    whole = torch.from_numpy(np.random.default_rng(seed).normal(-0.8, 0.4, (sum(parts), 5, 3)).astype(np.float16))
    card = sum((Statistics.of(part) for part in whole.split(parts)), Statistics.none(3)).card()
    values = whole.double().numpy()
    assert math.isclose(card["mean"], values.mean(), rel_tol=1e-6)
    assert math.isclose(card["sd"], values.std(), rel_tol=1e-6)
    assert (card["min"], card["max"]) == (values.min(), values.max())
    np.testing.assert_allclose(card["mean_per_mel"], values.mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_allclose(card["sd_per_mel"], values.std(axis=(0, 1)), rtol=1e-6)
