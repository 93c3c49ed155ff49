"""Sample rates of waveforms, converted as a whole and in blocks."""

import math

import numpy as np
import pytest
from scipy.signal import upfirdn

from tasks.audio import resampling
from tasks.audio.resampling import Resampler


@pytest.mark.parametrize("rate", [4000, 10_000, 11_025, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("target", [16_000, 32_000])
@pytest.mark.parametrize("samples", [1, 30_001])
def test_resampling_is_torchaudios(rate, target, samples):
    import torch
    from torchaudio.transforms import Resample

    noise = np.random.default_rng(0).uniform(-1, 1, samples).astype(np.float32)
    resampled = resampling.resample(noise, rate, target)
    published = Resample(rate, target)(torch.from_numpy(noise)).numpy()
    assert resampled.dtype == np.float32
    # torchaudio rounds the times of its filter to float32, which is what the tolerance is for.
    np.testing.assert_allclose(resampled, published, atol=1e-4)


@pytest.mark.parametrize("rate", [4000, 44_101, 192_000])
def test_a_breath_keeps_its_shape_between_any_two_rates(rate):
    def breath(at: int) -> np.ndarray:
        return np.sin(2 * np.pi * 440 * np.arange(at) / at).astype(np.float32)

    resampled = resampling.resample(breath(rate), rate, 16_000)
    np.testing.assert_allclose(resampled[500:-500], breath(16_000)[500:-500], atol=2e-3)


PAIRS = [(4000, 32_000), (44_100, 16_000), (44_100, 48_000), (16_000, 4000), (38_399, 16_000)]


@pytest.mark.parametrize(("rate", "target"), PAIRS)
def test_blocks_give_bit_by_bit_what_the_whole_gives(rate, target):
    random = np.random.default_rng(0)
    noise = random.uniform(-1, 1, 2 * rate + 7).astype(np.float32)
    resampler, parts, position = Resampler(rate, target), [], 0
    while position < len(noise):
        size = int(random.integers(1, rate // 2))
        parts.append(resampler.feed(noise[position : position + size]))
        position += size
    parts.append(resampler.finish())
    found = np.concatenate(parts)
    assert len(found) == math.ceil(len(noise) * target / rate)
    np.testing.assert_array_equal(found, resampling.resample(noise, rate, target))


@pytest.mark.parametrize(("rate", "target"), PAIRS)
def test_sums_are_bit_by_bit_those_of_scipy(rate, target):
    """Waveforms of earlier runs were made with SciPy; other last bits would change every feature."""
    noise = np.random.default_rng(0).uniform(-1, 1, rate).astype(np.float32)
    divisor = math.gcd(rate, target)
    up, down = target // divisor, rate // divisor
    low_pass = resampling.low_pass(up, down)
    skip = len(low_pass) // 2 // down
    wanted = upfirdn(low_pass, noise, up, down)[skip : skip + math.ceil(len(noise) * up / down)]
    np.testing.assert_array_equal(resampling.resample(noise, rate, target), wanted)


def test_equal_rates_and_no_samples():
    noise = np.random.default_rng(0).uniform(-1, 1, 100).astype(np.float32)
    np.testing.assert_array_equal(resampling.resample(noise, 4000, 4000), noise)
    assert resampling.resample(noise[:0], 4000, 16_000).shape == (0,)
