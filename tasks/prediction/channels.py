"""Choice of the channel of a recording that the model hears."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal

import numpy as np

from tasks.audio.quality import Meter
from tasks.prediction.stream import BLOCK, Source
from tasks.runtime.errors import BreathlineError

BAND = (100.0, 1000.0)  # Hz: most of the energy of breath sounds, above that of the heart
CLIPPED = 0.01  # by which the share of clipped samples may be above the lowest of all channels
BEST = "best"
MEAN: Literal["mean"] = "mean"


def parse(text: str) -> str | int:
    """Return a choice: `mean`, `best` or the number of a channel.

    Raises:
        BreathlineError: The text is none of these.
    """
    if text in (MEAN, BEST):
        return text
    if text.isdecimal() and len(text) < 3:
        return int(text)
    raise BreathlineError(
        f"{text!r} is no channel.", where="--channel", hint="write mean, best, or a number: 0 is the first channel"
    )


def choose(choice: str | int, channels: int, opened: Callable[[], AbstractContextManager[Source]]) -> int | None:
    """Return the channel that is heard; None for the mean of all.

    Args:
        choice: Choice (`parse`).
        channels: Number of channels of the recording.
        opened: Function that opens the recording, to be measured before it is predicted.

    Raises:
        BreathlineError: The recording does not have the channel.
    """
    if isinstance(choice, int):
        if choice >= channels:
            what = f"There is no channel {choice}: the recording has {channels}, counted from 0."
            raise BreathlineError(what, where="--channel", hint="take another one, or `--channel best`")
        return choice if channels > 1 else None
    if choice == MEAN or channels == 1:
        return None
    with opened() as source:
        return best(source)


def best(source: Source) -> int:
    """Return the channel with the most energy from 100 to 1,000 Hz among those that are clipped least.

    Channels count as clipped least if their share of clipped samples is within 0.01 of the lowest share. Of equal
    channels, the first is taken.

    Args:
        source: Recording with several channels.
    """
    meters = [Meter(source.rate, 1) for _ in range(source.channels)]
    while len(block := source.read(BLOCK)):
        for channel, meter in enumerate(meters):
            meter.feed(block[:, channel : channel + 1])
    source.finish()
    clipped = [meter.result().clipped_fraction for meter in meters]
    allowed = np.array([share <= min(clipped) + CLIPPED for share in clipped])
    energies = np.array([meter.energy(*BAND) for meter in meters])
    return int(np.where(allowed, energies, -1.0).argmax())
