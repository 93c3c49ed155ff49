"""Axes: a tone burst is found at its time and frequency, whatever the front end."""

import math

import pytest
import torch

from models.frontends.axes import axes
from models.frontends.registry import create, sample_rates


@pytest.mark.parametrize("name", sample_rates())
@pytest.mark.parametrize(("hertz", "second"), [(400.0, 0.6), (2500.0, 1.3)])
def test_a_tone_burst_is_at_its_time_and_frequency(name, hertz, second):
    front_end = create(name, 2.0)
    time = torch.arange(front_end.samples) / front_end.sample_rate
    burst = torch.exp(-(((time - second) / 0.02) ** 2)) * torch.sin(2 * math.pi * hertz * time)
    frame, mel = divmod(int(front_end(burst[None])[0].argmax()), front_end.mels)
    found = axes(front_end)
    assert found.seconds.shape == (front_end.frames,)
    assert found.hertz.shape == (front_end.mels,)
    assert (found.hertz[1:] > found.hertz[:-1]).all()
    assert found.seconds[frame] % 2.0 == pytest.approx(second, abs=0.02)  # the front end clap repeats the clip
    assert abs(abs(found.hertz - hertz).argmin() - mel) <= 1  # the nearest mel bin, or its neighbour
