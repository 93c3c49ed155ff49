"""What all front ends keep to."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from models.frontends.registry import SAMPLE_RATES, create


@pytest.mark.parametrize("name", SAMPLE_RATES)
def test_a_front_end_is_what_it_says(name: str) -> None:
    front_end = create(name, 0.5)
    assert (front_end.name, front_end.sample_rate) == (name, SAMPLE_RATES[name])
    clip = front_end.clip(torch.ones(7))
    assert front_end(clip.expand(3, -1)).shape == (3, front_end.frames, front_end.mels)


@pytest.mark.parametrize("name", SAMPLE_RATES)
def test_clips_are_padded_and_faded_as_asked_for(name: str) -> None:
    cycle = torch.ones(7)
    faded, plain, zeros = create(name, 0.5), create(name, 0.5, fade=False), create(name, 0.5, pad="zero")
    assert faded.clip(cycle)[-1] == 0
    assert plain.clip(cycle).eq(1).all()
    assert zeros.clip(cycle).sum() == 7


@pytest.mark.parametrize("name", SAMPLE_RATES)
def test_clips_of_another_length_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cut and pad"):
        create(name, 0.5)(torch.ones(2, 100))


@pytest.mark.parametrize("name", SAMPLE_RATES)
def test_clips_shorter_than_a_frame_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="shorter than one frame"):
        create(name, 0.01)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="`mfcc`; there are: ast, beats, clap, efficientat, fbank, panns"):
        create("mfcc", 8.0)


def test_the_rates_are_there_without_torch() -> None:
    code = "import sys; from models.frontends.rates import SAMPLE_RATES; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
