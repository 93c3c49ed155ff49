"""Spectrograms with a map over them, with axes in seconds and Hz."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.reporting import media
from tasks.reporting.svg import drawing

TICKS_HZ = (250, 1000, 2000, 5000, 10_000)
MOST_COLUMNS = 200  # of a drawn spectrogram
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Map:
    """A map over the cells of a spectrogram.

    Attributes:
        values: Values ``(rows, columns)``, rows along time; only positive values are marked.
        seconds: Middle of each row in seconds.
        hertz: Middle of each column in Hz.
    """

    values: Values
    seconds: Sequence[float]
    hertz: Sequence[float]


def with_map(mel: npt.NDArray[np.float32], found: Map, title: str, label: str) -> str:
    """Return a grey spectrogram whose marked parts are orange, as SVG.

    Args:
        mel: Features ``(frames, mels)``.
        found: Map of the same cycle.
        title: Title of the drawing.
        label: Text alternative.
    """
    seconds, hertz = found.seconds, found.hertz
    duration = seconds[-1] + (seconds[-1] - seconds[-2]) / 2 if len(seconds) > 1 else 2 * seconds[-1]
    extent = (0.0, duration, 0.0, len(hertz))
    place: dict[str, Any] = {"origin": "lower", "aspect": "auto", "extent": extent}
    with drawing(4.0, 2.1, label) as canvas:
        axes = canvas.axes
        axes.imshow(media.scaled(mel, MOST_COLUMNS).T, cmap="gray", **place)
        axes.imshow(media.colours(found.values).transpose(1, 0, 2), interpolation="bilinear", **place)
        shown = [tick for tick in TICKS_HZ if hertz[0] <= tick <= hertz[-1]]
        # Columns are evenly spaced: the middle of column i is at i + 0.5.
        axes.set_yticks(np.interp(shown, hertz, np.arange(len(hertz)) + 0.5), [f"{tick:,}" for tick in shown])
        axes.set(xlabel="seconds", ylabel="Hz")
        axes.set_title(title, fontsize=10)
        axes.grid(visible=False)
    return canvas.svg
