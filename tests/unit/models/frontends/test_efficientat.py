"""The front end `efficientat` against its definition, written out step by step in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal.windows import hann

from models.frontends.registry import create

RATE = 32_000


def mel(hz: np.ndarray | float) -> np.ndarray:
    return 1127.0 * np.log(1.0 + np.asarray(hz, dtype=np.float64) / 700.0)


def by_definition(clip: np.ndarray) -> np.ndarray:
    emphasised = clip[1:] - 0.97 * clip[:-1]
    mirrored = np.pad(emphasised, 512, mode="reflect")
    window = np.zeros(1024)
    window[112:912] = hann(800, sym=True)
    starts = range(0, len(mirrored) - 1024 + 1, 320)
    power = np.stack([np.abs(np.fft.rfft(mirrored[start : start + 1024] * window)) ** 2 for start in starts])
    edges = np.linspace(mel(0.0), mel(16_000.0), 130)
    bins = mel(np.arange(513) * RATE / 1024)
    filters = np.stack([np.interp(bins, edges[i : i + 3], [0.0, 1.0, 0.0], left=0, right=0) for i in range(128)])
    filters[:, 512] = 0.0  # Kaldi leaves the Nyquist frequency out
    return (np.log(power @ filters.T + 1e-5) + 4.5) / 5


@pytest.mark.parametrize("level", [0.0, 1e-4, 0.05, 1.0])
def test_it_equals_its_definition(level: float) -> None:
    clip = np.random.default_rng(3).normal(0.0, level, 8 * RATE).astype(np.float32)
    features = create("efficientat", 8.0)(torch.from_numpy(clip).unsqueeze(0))
    assert features.shape == (1, 800, 128)
    np.testing.assert_allclose(features[0].numpy(), by_definition(clip.astype(np.float64)), rtol=0, atol=2e-4)


def test_a_tone_has_its_maximum_at_its_frequency() -> None:
    centres = np.linspace(mel(0.0), mel(16_000.0), 130)[1:-1]
    for pitch in (400.0, 2_000.0, 9_000.0):
        tone = torch.sin(2 * torch.pi * pitch * torch.arange(RATE) / RATE)
        loudest = int(create("efficientat", 1.0)(tone.unsqueeze(0))[0, 50].argmax())
        assert abs(loudest - np.abs(centres - mel(pitch)).argmin()) <= 1
