"""The front end `clap` against transformers' own feature extractor, with the published settings."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.frontends.registry import create

RATE = 48_000


@pytest.mark.parametrize("seconds", [3.0, 8.0, 10.0])
def test_it_equals_the_published_extractor(seconds: float) -> None:
    extractors = pytest.importorskip("transformers.models.clap.feature_extraction_clap")
    extractor = extractors.ClapFeatureExtractor(frequency_min=50, frequency_max=14_000, truncation="rand_trunc")
    clip = np.random.default_rng(3).normal(0.0, 0.05, round(seconds * RATE)).astype(np.float32)
    wanted = extractor(clip, sampling_rate=RATE, return_tensors="np")["input_features"][0, 0]
    features = create("clap", seconds)(torch.from_numpy(clip).unsqueeze(0))
    assert features.shape == (1, 1001, 64)
    np.testing.assert_allclose(features[0].numpy(), wanted, rtol=0, atol=2e-3)


def test_clips_longer_than_the_encoders_input_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at most 10 s, not of 12 s; set frontends\.clap\.duration_s"):
        create("clap", 12.0)
