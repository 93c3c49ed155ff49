"""Clips: repeated, cut, and faded out as published."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchaudio.transforms import Fade

from models.frontends.clip import cut_or_pad, cycle_span

RATE = 1600  # a fade of 100 samples


@given(length=st.integers(1, 2000), samples=st.integers(100, 1500))
def test_a_short_cycle_is_repeated_and_faded_and_a_long_one_is_cut(length, samples):
    cycle = torch.arange(1.0, length + 1)
    clip = cut_or_pad(cycle, samples=samples, sample_rate=RATE)
    assert clip.shape == (samples,)
    assert torch.equal(cycle, torch.arange(1.0, length + 1)), "the cycle itself was changed"
    expected = cycle[torch.arange(samples) % length]
    if length <= samples:
        expected = Fade(fade_in_len=0, fade_out_len=100, fade_shape="linear")(expected)
    torch.testing.assert_close(clip, expected)


@given(length=st.integers(1, 1000), samples=st.integers(100, 1500))
def test_zero_padding_is_on_both_sides_without_a_fade(length, samples):
    cycle = torch.arange(1.0, length + 1)
    clip = cut_or_pad(cycle, samples=samples, sample_rate=RATE, pad="zero")
    if length > samples:
        assert torch.equal(clip, cycle[:samples])
        return
    before = (samples - length) // 2
    assert torch.equal(clip[before : before + length], cycle)
    assert clip.shape == (samples,)
    assert clip.count_nonzero() == length
    clip += 1
    assert cycle[0] == 1, "the cycle itself was changed"


def test_fade_false_leaves_repeated_cycles_unchanged():
    cycle = torch.arange(1.0, 8)
    assert torch.equal(cut_or_pad(cycle, samples=500, sample_rate=RATE, fade=False), cycle[torch.arange(500) % 7])


def test_the_fade_lasts_62_5_ms():
    clip = cut_or_pad(torch.ones(3), samples=128_000, sample_rate=16_000)
    assert clip[:127_001].eq(1).all()
    assert clip[127_001:].diff().lt(0).all()
    assert clip[-1] == 0


def test_a_cycle_of_exactly_the_clips_length_is_faded_and_a_longer_one_is_not():
    assert cut_or_pad(torch.ones(500), samples=500, sample_rate=RATE)[-1] == 0
    assert cut_or_pad(torch.ones(501), samples=500, sample_rate=RATE).eq(1).all()


@pytest.mark.parametrize(("waveform", "message"), [(torch.ones(0), "no samples"), (torch.ones(2, 9), "mono")])
def test_empty_and_stereo_cycles_are_refused(waveform, message):
    with pytest.raises(ValueError, match=message):
        cut_or_pad(waveform, samples=500, sample_rate=RATE)


def test_a_short_cycle_is_at_the_start_of_its_clip_or_between_zeros():
    assert cycle_span(0.3, "repeat") == (0.0, 0.3)
    assert cycle_span(0.5, "zero") == (0.25, 0.75)
    assert cycle_span(1.0, "zero") == cycle_span(1.0, "repeat") == (0.0, 1.0)
