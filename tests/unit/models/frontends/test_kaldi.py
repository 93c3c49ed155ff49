"""The front ends `ast`, `beats` and `fbank` against torchaudio's Kaldi fbank with the published settings."""

from functools import partial

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor
from torchaudio.compliance import kaldi

from models.frontends.registry import create, create_array

SAMPLES = 128_000
HALF_STEP = torch.finfo(torch.float16).eps / 2  # float16's rounding of a value near 1, which is the features' sd
NOISE = torch.randn(SAMPLES, generator=torch.Generator().manual_seed(0))
TIME = torch.arange(SAMPLES) / 16_000
SIGNALS = {
    "noise": 0.05 * NOISE,
    "breath": torch.cumsum(NOISE, 0) / 1000 * torch.sin(2 * torch.pi * 0.3 * TIME).square(),
    "16 bit": (300 * NOISE).round() / 2**15,
    "faint": 1e-5 * NOISE,
    "large offset": 0.5 + 1e-3 * NOISE,
    "wheeze": 0.5 * torch.sin(2 * torch.pi * 440 * TIME),
    "clipped": NOISE.sign(),
    "silence": torch.zeros(SAMPLES),
    "constant": torch.full((SAMPLES,), 0.7),
    "click": (TIME == 4).float(),
    "half digital silence": torch.cat([0.1 * NOISE[:64_000], torch.zeros(64_000)]),
}
TWO_CLIPS = 0.05 * torch.randn((2, SAMPLES), generator=torch.Generator().manual_seed(0)).cumsum(1).sin()
fbank = partial(kaldi.fbank, num_mel_bins=128, sample_frequency=16_000, dither=0.0)


def by_module(name: str, clip: Tensor) -> Tensor:
    return create(name, len(clip) / 16_000)(clip.unsqueeze(0))[0]


def by_arrays(name: str, clip: Tensor) -> Tensor:
    return torch.from_numpy(create_array(name, len(clip) / 16_000)(clip.numpy()).astype(np.float32))


ENGINES = pytest.mark.parametrize("engine", [by_module, by_arrays])


def log_energies(clip: Tensor) -> Tensor:
    return fbank(clip.unsqueeze(0), htk_compat=True, window_type="hanning", use_energy=False, frame_shift=10)


def published_ast(clip: Tensor) -> Tensor:
    return (log_energies(clip) + 4.2677393) / (2 * 4.5689974)


def published_beats(clip: Tensor) -> Tensor:
    return (fbank(clip.unsqueeze(0).double() * 2**15).float() - 15.41663) / (2 * 6.55582)


def published_fbank(clip: Tensor) -> Tensor:
    values = log_energies(clip).double()
    return ((values - values.mean()) / (2 * values.std())).float()


@ENGINES
@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize(("front_end", "published"), [("ast", published_ast), ("beats", published_beats)])
def test_it_equals_the_published_features_to_float16_precision(front_end, published, name, engine):
    features = engine(front_end, SIGNALS[name])
    assert features.shape == (798, 128)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features, published(SIGNALS[name]), rtol=0, atol=HALF_STEP)


@ENGINES
@pytest.mark.real
def test_ast_equals_the_published_fbank_on_real_recordings(real_icbhi, engine):
    front_end = create("ast", 8.0)
    for recording in sorted((real_icbhi / "flac").glob("*.flac"))[::40]:
        samples, _ = soundfile.read(recording, dtype="float32", always_2d=True)
        clip = front_end.clip(torch.from_numpy(samples[:, 0]))  # taken as if at 16 kHz: any real signal will do
        torch.testing.assert_close(engine("ast", clip), published_ast(clip), rtol=0, atol=HALF_STEP)


def test_clips_of_a_batch_are_independent():
    clips, front_end = torch.stack(list(SIGNALS.values())), create("ast", 8.0)
    alone = torch.cat([front_end(clip.unsqueeze(0)) for clip in clips])
    torch.testing.assert_close(front_end(clips), alone, rtol=0, atol=HALF_STEP)


@pytest.mark.parametrize("duration_s", [0.025, 0.2, 10.24])
def test_frames_follow_the_duration(duration_s):
    front_end = create("ast", duration_s)
    clip = torch.rand(round(duration_s * 16_000), generator=torch.Generator().manual_seed(1))
    expected = published_ast(clip).shape
    assert front_end(clip.unsqueeze(0)).shape == (1, front_end.frames, front_end.mels) == (1, *expected)


@ENGINES
def test_fbank_equals_the_published_values_to_float16_precision(engine):
    for clip in TWO_CLIPS:
        torch.testing.assert_close(engine("fbank", clip), published_fbank(clip), rtol=0, atol=HALF_STEP)


def test_every_clip_of_fbank_has_mean_zero_and_sd_one_half_at_any_level():
    features = create("fbank", 8.0)(torch.cat([TWO_CLIPS[:1], TWO_CLIPS[:1] / 100]))
    torch.testing.assert_close(features.mean((1, 2)), torch.zeros(2), rtol=0, atol=1e-5)
    torch.testing.assert_close(features.std((1, 2)), torch.full((2,), 0.5), rtol=0, atol=1e-5)
    assert create("fbank", 1.0)(torch.zeros(1, 16_000)).abs().max() < 0.01, "digital silence is zero"
