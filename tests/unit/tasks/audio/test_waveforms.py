"""Sample rates, fades and cuts of waveforms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.audio import waveforms
from tasks.audio.cycle_bounds import bounds
from tasks.audio.front_end_rates import rates, unfaded
from tasks.runtime.errors import BreathlineError


@pytest.mark.parametrize("rate", [16_000, 32_000])
def test_the_fade_is_linear_over_62_5_ms(rate):
    faded = waveforms.fade(np.ones(rate, dtype=np.float32), rate)
    length = rate // 16
    np.testing.assert_allclose(faded[:length], np.linspace(0, 1, length), rtol=1e-6)
    np.testing.assert_array_equal(faded[length:-length], 1)
    np.testing.assert_array_equal(faded, faded[::-1])


def test_a_recording_shorter_than_the_fade_is_faded_all_over():
    np.testing.assert_allclose(waveforms.fade(np.ones(3, dtype=np.float32), 16_000), [0, 0.25, 0])
    assert waveforms.fade(np.empty(0, dtype=np.float32), 16_000).size == 0


@pytest.mark.parametrize("samples", [0, 1, 999, 1000, 1500, 2000, 30_001])
def test_a_recording_in_blocks_is_faded_as_the_whole(samples):
    noise = np.random.default_rng(0).uniform(-1, 1, samples).astype(np.float32)
    for size in (1, 700, 1000, 10_000):
        fader = waveforms.Fader(16_000)
        parts = [fader.feed(noise[start : start + size]) for start in range(0, samples, size)][: 40_000 // size]
        parts += [fader.feed(noise[len(parts) * size :]), fader.finish()]
        np.testing.assert_array_equal(np.concatenate(parts), waveforms.fade(noise, 16_000))


def test_a_cycle_is_cut_at_truncated_samples():
    assert bounds(0.036, 0.579, 44_100, 882_000) == slice(1587, 25_533)


@given(st.floats(-5, 50), st.floats(-5, 50), st.integers(0, 100_000))
def test_a_cycle_never_reaches_outside_its_recording(start, end, samples):
    place = bounds(start, end, 4000, samples)
    assert 0 <= place.start <= place.stop <= samples


def test_rates_are_those_of_the_front_ends():
    assert rates(["efficientat", "ast"]) == [16_000, 32_000]
    assert rates(["ast"]) == [16_000]
    with pytest.raises(BreathlineError, match="no front end `mfcc`"):
        rates(["mfcc"])


def test_recordings_are_faded_unless_all_front_ends_of_their_rate_want_none():
    plain, whole = {"duration_s": 8.0}, {"duration_s": 8.0, "fade": False}
    assert unfaded({"ast": plain, "fbank": plain, "panns": plain}) == []
    assert unfaded({"ast": whole, "fbank": whole, "panns": plain}) == [16_000]
    with pytest.raises(BreathlineError, match=r"fbank and ast differ in `fade`.* 16000 Hz"):
        unfaded({"ast": whole, "fbank": plain})
    with pytest.raises(BreathlineError, match="no front end `mfcc`"):
        unfaded({"mfcc": plain})
    with pytest.raises(BreathlineError, match=r"frontends\.ast\.pad"):
        unfaded({"ast": {"duration_s": 8.0, "pad": "mirror"}})
