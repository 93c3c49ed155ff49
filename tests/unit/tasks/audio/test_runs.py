"""Runs of True in masks, against a loop over the elements."""

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.audio.runs import ClippedRuns, LongestRun, longest


def runs(mask: list[bool]) -> list[int]:
    return [len(list(group)) for value, group in groupby(mask) if value]


@given(st.lists(st.booleans(), max_size=60))
def test_the_longest_run_of_any_mask(mask):
    assert longest(np.array(mask, dtype=np.bool_)) == max(runs(mask), default=0)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 9, 1000])
def test_the_longest_run_of_every_place(length):
    for start in (0, 5, 1200 - length):
        mask = np.zeros(1200, dtype=np.bool_)
        mask[start : start + length] = True
        assert longest(mask) == length


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=9), min_size=1, max_size=9))
def test_blocks_give_the_runs_of_the_whole(blocks):
    clipped, most = ClippedRuns(), LongestRun()
    for block in blocks:
        clipped.add(np.array(block))
        most.add(np.array(block))
    found = runs([value for block in blocks for value in block])
    assert clipped.clipped == sum(length for length in found if length >= 3)
    assert most.longest == max(found, default=0)
