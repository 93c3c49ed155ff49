"""The front end `beats` against torchaudio's Kaldi fbank with the published settings, in float64."""

from __future__ import annotations

import pytest
import torch
from torchaudio.compliance import kaldi

from models.frontends.registry import create
from tests.unit.models.frontends.test_ast import HALF_STEP, signals


@pytest.mark.parametrize("name", signals())
def test_it_equals_the_published_features_to_float16_precision(name: str) -> None:
    clip = signals()[name]
    waveform = clip.unsqueeze(0).double() * 2**15
    published = kaldi.fbank(waveform, num_mel_bins=128, sample_frequency=16_000, dither=0.0).float()
    features = create("beats", 8.0)(clip.unsqueeze(0))
    assert features.shape == (1, 798, 128)
    torch.testing.assert_close(features[0], (published - 15.41663) / (2 * 6.55582), rtol=0, atol=HALF_STEP)
