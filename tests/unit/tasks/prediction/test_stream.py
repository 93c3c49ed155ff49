"""Recordings in blocks: the waveforms and measures of the whole, in memory that does not grow."""

import tracemalloc
from dataclasses import asdict

import numpy as np
import pytest

from tasks.audio import quality, waveforms
from tasks.prediction import stream
from tasks.prediction.excerpts import Excerpt, Windows
from tasks.prediction.sources import ArraySource
from tasks.prediction.stream import Stream
from tasks.runtime.errors import BreathlineError

SECONDS = 3.1
PARTS = [Excerpt(1.5, 2.25), Excerpt(0, 0.4), Excerpt(0.2, 3.1), Excerpt(2.9, 3.1), Excerpt(0.2, 0.2001), Excerpt(3, 9)]


def noise(rate: int, channels: int, seconds: float = SECONDS) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, (round(seconds * rate), channels)).astype(np.float32)


def read(samples, rate, parts, *, target=16_000, clip=16_000, faded=True, channel=None):
    source = ArraySource(samples, rate)
    found = Stream(source, channel=channel, rate=target, clip_samples=clip, faded=faded)
    return {one.index: one for one in found.segments(parts)}, found


@pytest.mark.parametrize(("rate", "target"), [(4000, 32_000), (11_025, 16_000), (16_000, 16_000), (44_100, 16_000)])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("faded", [True, False])
def test_segments_are_those_of_the_whole_recording(monkeypatch, rate, target, channels, faded):
    """Excerpts overlap, are out of order, end with the recording or beyond, and one is longer than a clip."""
    monkeypatch.setattr(stream, "BLOCK", 1777)
    samples = noise(rate, channels)
    found, whole = read(samples, rate, PARTS, target=target, clip=target, faded=faded)
    wanted = waveforms.cut(samples, rate, target, [(one.start_s, one.end_s) for one in PARTS], faded=faded)
    for index, (part, waveform) in enumerate(zip(PARTS, wanted, strict=True)):
        np.testing.assert_array_equal(found[index].waveform, waveform[: target + 1])
        heard = samples[int(part.start_s * rate) : int(part.end_s * rate)][:rate]
        if len(heard):
            measured = asdict(quality.measure(heard, rate)) | {"duration_s": len(heard) / rate}
            given = {name: value for name, value in found[index].measures.items() if name != "band_hz"}
            assert given == measured
        else:
            assert found[index].measures == {"duration_s": 0, "band_hz": None}
    assert whole.measures == pytest.approx(
        asdict(quality.measure(samples, rate)) | {"duration_s": len(samples) / rate, "band_hz": rate / 2}, rel=1e-5
    )


def test_one_channel_is_heard_and_measured_alone():
    samples = noise(8000, 2)
    found, whole = read(samples, 8000, PARTS[:1], channel=1)
    (wanted,) = waveforms.cut(samples[:, 1:], 8000, 16_000, [(1.5, 2.25)])
    np.testing.assert_array_equal(found[0].waveform, wanted)
    assert whole.measures["mix_loss_db"] == 0


def peak_memory(seconds: int) -> int:
    """Return the largest memory in bytes that the reading of a recording takes beside its samples."""
    samples = np.zeros((seconds * 4000, 1), dtype=np.int16)
    parts = Windows(2.5, 2.5).cut(seconds)
    tracemalloc.start()
    source = ArraySource(samples, 4000)
    found = Stream(source, channel=None, rate=32_000, clip_samples=80_000, faded=True)
    assert sum(1 for _ in found.segments(parts)) == len(parts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.slow
def test_memory_does_not_grow_with_the_recording():
    short, long = peak_memory(120), peak_memory(960)
    assert short < 60e6
    assert long < short + 2e6


@pytest.mark.parametrize(
    ("samples", "rate", "words"),
    [
        (np.zeros((2, 2, 2)), 4000, "has the shape"),
        (np.array(["a"]), 4000, "has the shape"),
        (np.zeros(0), 4000, "holds no samples"),
        (np.zeros(10), 10, "sample rate of 10 Hz"),
        (np.zeros((10, 40)), 4000, "40 channels"),
    ],
)
def test_an_array_that_is_no_recording_is_refused(samples, rate, words):
    with pytest.raises(BreathlineError, match=words):
        ArraySource(samples, rate)


def test_integers_of_an_array_are_scaled_and_wrong_numbers_refused():
    for dtype, value, wanted in ((np.int16, -(2**14), -0.5), (np.uint8, 192, 0.5), (np.int32, 2**30, 0.5)):
        assert ArraySource(np.full(3, value, dtype), 4000).read(3)[0, 0] == pytest.approx(wanted, abs=0.01)
    for value in (np.nan, np.inf, 1e12):
        with pytest.raises(BreathlineError, match="not finite"):
            ArraySource(np.full(3, value), 4000).read(3)
