"""Sample rates of waveforms, converted as a whole and in blocks."""

import math

import numpy as np
import pytest

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
def test_sums_of_16_bit_samples_are_exact_in_any_order(rate, target):
    """Integers have exact sums. Other last bits, on another processor, would change every feature."""
    divisor = math.gcd(rate, target)
    up, down = target // divisor, rate // divisor
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, min(rate // 4, 2_000_000 // up))
    low_pass = (resampling.low_pass(up, down) * 2**27).astype(np.int64)
    spread = np.zeros(len(samples) * up, dtype=np.int64)
    spread[::up] = samples
    half = len(low_pass) // 2
    places = np.arange(math.ceil(len(samples) * up / down))[:: max(1, len(samples) // 300)]
    padded = np.pad(spread, (half, half + down))
    sums = [int(padded[place * down : place * down + len(low_pass)] @ low_pass[::-1]) for place in places]
    wanted = (np.array(sums) * 2.0**-42).astype(np.float32)
    found = resampling.resample((samples * 2.0**-15).astype(np.float32), rate, target)
    np.testing.assert_array_equal(found[places], wanted)


@pytest.mark.parametrize(("rate", "target"), [*PAIRS, (4000, 48_000), (11_025, 16_000)])
def test_coefficients_leave_room_for_exact_sums(rate, target):
    period = Resampler(rate, target)._period
    assert all(np.abs(block.matrix).sum(axis=0).max() < 2 for block in period.blocks)
    assert all((block.matrix * 2**27 % 1 == 0).all() for block in period.blocks)


def test_equal_rates_and_no_samples():
    noise = np.random.default_rng(0).uniform(-1, 1, 100).astype(np.float32)
    np.testing.assert_array_equal(resampling.resample(noise, 4000, 4000), noise)
    assert resampling.resample(noise[:0], 4000, 16_000).shape == (0,)
