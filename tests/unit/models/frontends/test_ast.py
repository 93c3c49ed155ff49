"""The front end `ast` against torchaudio's Kaldi fbank with the published settings."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
import torch
from torch import Tensor
from torchaudio.compliance import kaldi

from models.frontends.registry import create

SAMPLES = 128_000
HALF_STEP = torch.finfo(torch.float16).eps / 2  # float16's rounding of a value near 1, which is the features' sd


def published(clip: Tensor) -> Tensor:
    features = kaldi.fbank(
        clip.unsqueeze(0),
        htk_compat=True,
        sample_frequency=16_000,
        use_energy=False,
        window_type="hanning",
        num_mel_bins=128,
        dither=0.0,
        frame_shift=10,
    )
    return (features + 4.2677393) / (2 * 4.5689974)


def signals() -> dict[str, Tensor]:
    noise = torch.randn(SAMPLES, generator=torch.Generator().manual_seed(0))
    time = torch.arange(SAMPLES) / 16_000
    return {
        "noise": 0.05 * noise,
        "breath": torch.cumsum(noise, 0) / 1000 * torch.sin(2 * torch.pi * 0.3 * time).square(),
        "16 bit": (300 * noise).round() / 2**15,
        "faint": 1e-5 * noise,
        "large offset": 0.5 + 1e-3 * noise,
        "wheeze": 0.5 * torch.sin(2 * torch.pi * 440 * time),
        "clipped": noise.sign(),
        "silence": torch.zeros(SAMPLES),
        "constant": torch.full((SAMPLES,), 0.7),
        "click": (time == 4).float(),
        "half digital silence": torch.cat([0.1 * noise[:64_000], torch.zeros(64_000)]),
    }


@pytest.mark.parametrize("name", signals())
def test_it_equals_the_published_fbank_to_float16_precision(name: str) -> None:
    clip = signals()[name]
    features = create("ast", 8.0)(clip.unsqueeze(0))
    assert features.shape == (1, 798, 128)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features[0], published(clip), rtol=0, atol=HALF_STEP)


@pytest.mark.real
def test_it_equals_the_published_fbank_on_real_recordings(real_icbhi: Path) -> None:
    front_end = create("ast", 8.0)
    for recording in sorted((real_icbhi / "flac").glob("*.flac"))[::40]:
        samples, _ = soundfile.read(recording, dtype="float32", always_2d=True)
        clip = front_end.clip(torch.from_numpy(samples[:, 0]))  # taken as if at 16 kHz: any real signal will do
        torch.testing.assert_close(front_end(clip.unsqueeze(0))[0], published(clip), rtol=0, atol=HALF_STEP)


def test_clips_of_a_batch_are_independent() -> None:
    clips = torch.stack(list(signals().values()))
    front_end = create("ast", 8.0)
    alone = torch.cat([front_end(clip.unsqueeze(0)) for clip in clips])
    torch.testing.assert_close(front_end(clips), alone, rtol=0, atol=HALF_STEP)


@pytest.mark.parametrize("duration_s", [0.025, 0.2, 10.24])
def test_frames_follow_the_duration(duration_s: float) -> None:
    front_end = create("ast", duration_s)
    clip = torch.rand(round(duration_s * 16_000), generator=torch.Generator().manual_seed(1))
    assert front_end(clip.unsqueeze(0)).shape == (1, front_end.frames, front_end.mels) == (1, *published(clip).shape)
