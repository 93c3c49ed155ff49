"""Clips: repeated, cut, and faded out as published."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchaudio.transforms import Fade

from models.frontends.clip import cut_or_pad, cycle_span

RATE = 1600  # a fade of 100 samples


@given(length=st.integers(1, 2000), samples=st.integers(100, 1500))
def test_a_short_cycle_is_repeated_and_faded_and_a_long_one_is_cut(length, samples):
    cycle = np.arange(1, length + 1, dtype=np.float32)
    clip = cut_or_pad(cycle, samples=samples, sample_rate=RATE)
    assert clip.shape == (samples,)
    assert np.array_equal(cycle, np.arange(1, length + 1, dtype=np.float32)), "the cycle itself was changed"
    expected = cycle[np.arange(samples) % length]
    if length <= samples:
        expected = Fade(fade_in_len=0, fade_out_len=100, fade_shape="linear")(torch.from_numpy(expected)).numpy()
    np.testing.assert_allclose(clip, expected, rtol=1e-5, atol=1e-5)


@given(length=st.integers(1, 1000), samples=st.integers(100, 1500))
def test_zero_padding_is_on_both_sides_without_a_fade(length, samples):
    cycle = np.arange(1, length + 1, dtype=np.float32)
    clip = cut_or_pad(cycle, samples=samples, sample_rate=RATE, pad="zero")
    if length > samples:
        assert np.array_equal(clip, cycle[:samples])
        return
    before = (samples - length) // 2
    assert np.array_equal(clip[before : before + length], cycle)
    assert clip.shape == (samples,)
    assert np.count_nonzero(clip) == length
    clip += 1
    assert cycle[0] == 1, "the cycle itself was changed"


def test_fade_false_leaves_repeated_cycles_unchanged():
    cycle = np.arange(1, 8, dtype=np.float32)
    assert np.array_equal(cut_or_pad(cycle, samples=500, sample_rate=RATE, fade=False), cycle[np.arange(500) % 7])


def test_the_fade_lasts_62_5_ms():
    clip = cut_or_pad(np.ones(3, np.float32), samples=128_000, sample_rate=16_000)
    assert (clip[:127_001] == 1).all()
    assert (np.diff(clip[127_001:]) < 0).all()
    assert clip[-1] == 0


def test_a_cycle_of_exactly_the_clips_length_is_faded_and_a_longer_one_is_not():
    assert cut_or_pad(np.ones(500, np.float32), samples=500, sample_rate=RATE)[-1] == 0
    assert (cut_or_pad(np.ones(501, np.float32), samples=500, sample_rate=RATE) == 1).all()


@pytest.mark.parametrize(("waveform", "message"), [(np.ones(0), "no samples"), (np.ones((2, 9)), "mono")])
def test_empty_and_stereo_cycles_are_refused(waveform, message):
    with pytest.raises(ValueError, match=message):
        cut_or_pad(waveform, samples=500, sample_rate=RATE)


def test_a_short_cycle_is_at_the_start_of_its_clip_or_between_zeros():
    assert cycle_span(0.3, "repeat") == (0.0, 0.3)
    assert cycle_span(0.5, "zero") == (0.25, 0.75)
    assert cycle_span(1.0, "zero") == cycle_span(1.0, "repeat") == (0.0, 1.0)
