from dataclasses import asdict

import numpy as np
import pytest

from tasks.audio import reading
from tasks.audio.quality import Meter, measure

RATE = 4000
TONE = (0.5 * np.sin(2 * np.pi * 200 * np.arange(RATE * 10) / RATE + 0.1)).astype(np.float32)


def of(channel: np.ndarray) -> np.ndarray:
    return channel.astype(np.float32)[:, None]


def test_a_clean_tone_has_nothing_to_complain_of():
    quality = measure(of(TONE), RATE)
    assert quality.peak == pytest.approx(0.5, abs=0.01)
    assert quality.dc_offset == pytest.approx(0, abs=1e-6)
    assert quality.rms_dbfs == pytest.approx(-9.03, abs=0.01)
    assert (quality.clipped_fraction, quality.silent_fraction) == (0, 0)
    assert quality.longest_constant_s <= 2 / RATE
    assert quality.centroid_hz == pytest.approx(200, abs=1)


def test_clipping_counts_samples_in_a_row_at_either_rail():
    clipped = TONE.copy()
    clipped[100:110], clipped[200:205] = 1.0, -0.9999
    clipped[300:302], clipped[400] = 1.0, -1.0  # as normalising leaves them
    quality = measure(of(clipped), RATE)
    assert quality.clipped_fraction == pytest.approx(15 / len(TONE))
    assert quality.peak == 1


def test_an_offset_is_found_on_either_side_and_is_no_part_of_the_level():
    for offset in (0.16, -0.16):
        quality = measure(of(TONE + offset), RATE)
        assert quality.dc_offset == pytest.approx(0.16, abs=1e-4)
        assert quality.rms_dbfs == pytest.approx(-9.03, abs=0.01)


@pytest.mark.parametrize("value", [0.0, 0.7])
def test_a_stuck_value_is_constant_and_silent(value):
    stuck = TONE.copy()
    stuck[RATE : 3 * RATE] = value
    quality = measure(of(stuck), RATE)
    assert quality.longest_constant_s == pytest.approx(2.0, abs=2 / RATE)
    assert quality.silent_fraction == pytest.approx(0.2)


def test_digital_silence_has_no_level():
    quality = measure(of(np.zeros(RATE)), RATE)
    assert (quality.rms_dbfs, quality.centroid_hz) == (None, None)
    assert (quality.peak, quality.silent_fraction, quality.longest_constant_s) == (0, 1, 1)
    assert measure(of(np.zeros(1)), RATE).longest_constant_s == 1 / RATE


def test_of_several_channels_the_worst_is_told_and_shares_are_means():
    bad = np.full_like(TONE, 1.0)
    quality = measure(np.stack([TONE, bad], axis=1), RATE)
    assert (quality.peak, quality.dc_offset, quality.clipped_fraction) == (1, 1, 0.5)
    assert (quality.silent_fraction, quality.longest_constant_s) == (0.5, 10)


@pytest.mark.parametrize("size", [1, 3, 199, 8000, 40_000])
def test_blocks_have_the_measures_of_the_whole(size):
    """Runs, frames of 50 ms and moments cross the edges of blocks."""
    random = np.random.default_rng(size)
    samples = np.stack([TONE, random.normal(0, 0.3, len(TONE))], axis=1).astype(np.float32)[:12_003]
    for start, end, value in ((190, 206, 1.0), (395, 410, -1.0), (3000, 4300, 0.25), (11_900, 12_003, 1.0)):
        samples[start:end] = value
    samples = samples[: 3 * size + 2000]
    meter = Meter(RATE, 2)
    for start in range(0, len(samples), size):
        meter.feed(samples[start : start + size])
    found, whole = asdict(meter.result()), asdict(measure(samples, RATE))
    assert found == pytest.approx(whole, rel=1e-12)
    assert found["clipped_fraction"] > 0


@pytest.mark.real
def test_known_faults_of_real_recordings_are_found(real_icbhi):
    def quality(recording: str) -> tuple[float, float, float, float]:
        audio = reading.read(real_icbhi / "flac" / f"{recording}.flac")
        samples = audio.normalised()
        annotated = samples[np.flatnonzero(samples)[0] : np.flatnonzero(samples)[-1]]  # the rest is filled with zeros
        found = measure(annotated, audio.rate)
        return found.clipped_fraction, found.longest_constant_s, found.dc_offset, found.peak

    clipped, constant, _, _ = quality("166_1p1_Al_sc_Meditron")
    assert clipped == pytest.approx(0.19, abs=0.01)
    assert constant == pytest.approx(6.0, abs=0.05)
    assert quality("110_1p1_Ll_sc_Meditron")[2] == pytest.approx(0.16, abs=0.01)
    assert quality("104_1b1_Al_sc_Litt3200")[::3] == (0, 1)  # normalised to full scale, not clipped
