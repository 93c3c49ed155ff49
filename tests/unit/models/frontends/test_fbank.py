"""The front end `fbank` against torchaudio's Kaldi fbank, normalised clip by clip."""

from __future__ import annotations

import torch
from torchaudio.compliance import kaldi

from models.frontends.registry import create

HALF_STEP = torch.finfo(torch.float16).eps / 2
NOISE = 0.05 * torch.randn((2, 128_000), generator=torch.Generator().manual_seed(0)).cumsum(1).sin()


def test_it_equals_the_published_values_to_float16_precision() -> None:
    features = create("fbank", 8.0)(NOISE)
    assert features.shape == (2, 798, 128)
    for got, clip in zip(features, NOISE, strict=True):
        values = kaldi.fbank(
            clip[None], htk_compat=True, sample_frequency=16_000, window_type="hanning", num_mel_bins=128, dither=0.0
        ).double()
        wanted = (values - values.mean()) / (2 * values.std())
        torch.testing.assert_close(got, wanted.float(), rtol=0, atol=HALF_STEP)


def test_every_clip_has_mean_zero_and_sd_one_half_at_any_level() -> None:
    features = create("fbank", 8.0)(torch.cat([NOISE[:1], NOISE[:1] / 100]))
    torch.testing.assert_close(features.mean((1, 2)), torch.zeros(2), rtol=0, atol=1e-5)
    torch.testing.assert_close(features.std((1, 2)), torch.full((2,), 0.5), rtol=0, atol=1e-5)


def test_digital_silence_is_zero() -> None:
    assert create("fbank", 1.0)(torch.zeros(1, 16_000)).abs().max() < 0.01
