"""Spectral centroid: known sounds, and independence of the blocks in which samples arrive."""

import numpy as np
import pytest

from tasks.audio.spectrum import FRAME, MeanSpectrum, centroid_hz

RATE = 4000
TIME = np.arange(10 * RATE) / RATE


def of(*channels: np.ndarray) -> np.ndarray:
    return np.stack(channels, axis=1).astype(np.float32)


@pytest.mark.parametrize("frequency", [60.0, 200.0, 1500.0])
def test_the_centroid_of_a_tone_is_its_frequency_whatever_its_level_and_offset(frequency):
    tone = np.sin(2 * np.pi * frequency * TIME)
    assert centroid_hz(of(0.5 * tone), RATE) == pytest.approx(frequency, abs=1)
    assert centroid_hz(of(0.001 * tone + 0.3), RATE) == pytest.approx(frequency, abs=2)


def test_two_tones_of_equal_power_have_the_middle_in_one_channel_or_in_two():
    one, two = np.sin(2 * np.pi * 300 * TIME), np.sin(2 * np.pi * 900 * TIME)
    assert centroid_hz(of((one + two) / 2), RATE) == pytest.approx(600, abs=2)
    assert centroid_hz(of(one, two), RATE) == pytest.approx(600, abs=2)


def test_a_constant_has_none_and_less_than_a_frame_has_one():
    assert centroid_hz(of(np.full(3 * FRAME, 0.5)), RATE) is None
    assert centroid_hz(of(np.full(1, 0.5)), RATE) is None
    assert centroid_hz(np.zeros((0, 1), np.float32), RATE) is None
    assert centroid_hz(of(np.sin(2 * np.pi * 800 * TIME[:500])), RATE) == pytest.approx(800, abs=20)


def test_the_band_ends_where_there_is_no_more_sound():
    noise = np.random.default_rng(0).normal(0, 0.05, 3 * RATE)
    wide = np.fft.irfft(np.fft.rfft(noise), 4 * len(noise))  # a higher sample rate adds no sound
    tone = 0.3 * np.sin(2 * np.pi * 200 * TIME) + 0.4
    for samples, rate, band in (
        (noise, RATE, 2000),
        (wide, 4 * RATE, 2000),
        (tone, RATE, 210),
        (noise[:50], RATE, 2000),
    ):
        spectrum = MeanSpectrum()
        spectrum.add(of(samples))
        assert spectrum.band_hz(rate) == pytest.approx(band, abs=150)
    constant = MeanSpectrum()
    constant.add(of(np.full(3 * FRAME, 0.5)))
    assert constant.band_hz(RATE) is None


@pytest.mark.parametrize("block", [1, 700, FRAME, 50_000])
def test_blocks_do_not_change_it(block):
    noise = np.random.default_rng(0).normal(size=(20_000, 2)).astype(np.float32)
    spectrum = MeanSpectrum()
    for start in range(0, len(noise), block):
        spectrum.add(noise[start : start + block])
    assert spectrum.centroid_hz(RATE) == pytest.approx(centroid_hz(noise, RATE), rel=1e-6)
