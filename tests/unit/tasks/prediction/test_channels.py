"""Choice of a channel."""

from contextlib import contextmanager

import numpy as np
import pytest

from tasks.prediction import channels
from tasks.prediction.sources import ArraySource
from tasks.runtime.errors import BreathlineError

RATE = 4000
TIME = np.arange(5 * RATE) / RATE
BREATH = np.random.default_rng(0).normal(0, 0.05, len(TIME))
HEART = 0.4 * np.sin(2 * np.pi * 40 * TIME)


def chosen(choice, *samples):
    @contextmanager
    def opened():
        yield ArraySource(np.stack(samples, axis=1), RATE)

    return channels.choose(channels.parse(choice), len(samples), opened)


def test_the_best_channel_has_the_most_breath_and_little_clipping():
    assert chosen("best", HEART, BREATH) == 1, "the heart is louder, and below 100 Hz"
    assert chosen("best", 2 * BREATH, BREATH) == 0
    clipped = np.clip(200 * BREATH, -1, 1)
    assert chosen("best", clipped, BREATH) == 1
    assert chosen("best", BREATH, BREATH) == 0
    assert chosen("best", BREATH) is None


def test_mean_and_numbers():
    assert chosen("mean", BREATH, HEART) is None
    assert [chosen(str(number), BREATH, HEART) for number in (0, 1)] == [0, 1]
    assert chosen("0", BREATH) is None
    with pytest.raises(BreathlineError, match=r"no channel 2: the recording has 2, counted from 0"):
        chosen("2", BREATH, HEART)
    for text in ("", "left", "-1", "1.5", "9999"):
        with pytest.raises(BreathlineError, match=r"is no channel(.|\n)*mean, best, or a number"):
            channels.parse(text)
