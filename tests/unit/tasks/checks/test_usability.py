"""Gate of recordings: the reasons for which nothing is said about them."""

from dataclasses import asdict

import numpy as np
import pytest

from tasks.audio.quality import measure
from tasks.checks import usability
from tasks.checks.settings import CheckSettings
from tasks.runtime import params

RATE = 4000
BREATH = (np.random.default_rng(0).normal(0, 0.05, 4 * RATE)).astype(np.float32)


def reasons(*channels: np.ndarray) -> tuple[str, ...]:
    samples = np.stack(channels, axis=1).astype(np.float32)
    return usability.unusable(asdict(measure(samples, RATE)) | {"duration_s": len(samples) / RATE})


def test_the_defaults_are_the_limits_of_params_yaml():
    settings = params.parse(CheckSettings, params.section(params.read(), "validate"), "validate")
    assert settings.unusable == usability.DEFAULTS


@pytest.mark.parametrize(
    "channels",
    [
        (BREATH,),
        (0.5 * np.sin(np.arange(RATE) / 10),),
        (BREATH, BREATH),
        (BREATH, np.zeros_like(BREATH)),
        (BREATH, BREATH[::-1]),
        (np.clip(4 * BREATH, -1, 1),),
    ],
)
def test_sounds_are_usable(channels):
    assert reasons(*channels) == ()


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        ((np.zeros(RATE),), ["100% silence"]),
        ((np.full(RATE, 0.3),), ["100% silence, or constant values"]),
        ((BREATH + 0.7,), ["a mean of 0.70 of full scale (DC)"]),
        ((BREATH[:1],), ["0.00025 s long, shorter than 0.1 s"]),
        ((BREATH, -BREATH), ["the channels cancel each other", "200 dB"]),
        ((BREATH, -0.99 * BREATH), ["the channels cancel each other", "46 dB"]),
        ((32768 * BREATH,), ["floats at the scale of integers", "32768"]),
        ((np.where(np.arange(RATE) // 8 % 2, 1, -1),), ["100% of the samples are clipped"]),
    ],
)
def test_a_recording_without_a_usable_sound_has_a_reason(channels, words):
    found = reasons(*channels)
    assert found
    assert all(word in " ".join(found) for word in words), found


def test_floats_at_the_scale_of_integers_have_no_other_reason():
    assert len(reasons(32768 * BREATH)) == 1
