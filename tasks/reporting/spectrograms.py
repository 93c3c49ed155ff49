"""Spectrograms with a map over them, with axes in seconds and Hz."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.reporting import media
from tasks.reporting.svg import drawing

TICKS_HZ = (250, 1000, 2000, 5000, 10_000)
DIGITS = 6  # of seconds, which are stored in float32: a clip of 2.5 s ends at the number 2.5 of its axis
MOST_COLUMNS = 200  # of a drawn spectrogram
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Map:
    """A map over the cells of a spectrogram.

    Attributes:
        values: Values ``(rows, columns)``, rows along time; only positive values are marked.
        seconds: Middle of each row in seconds; the last row may be shorter than the others.
        hertz: Middle of each column in Hz.
    """

    values: Values
    seconds: Sequence[float]
    hertz: Sequence[float]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Map":
        """Return the map of a row of ``data/explanation/maps.parquet``."""
        values = np.reshape(row["values"], (row["frames"], row["bands"])).astype(np.float64)
        return cls(values, row["seconds"], row["hertz"])

    @property
    def extent(self) -> tuple[float, float]:
        """Return start and end in seconds, the end as if the last row were as long as the others."""
        length = self._length
        first = self.seconds[0] - length / 2
        return first, first + len(self.seconds) * length

    @property
    def end(self) -> float:
        """Return the end of the last row in seconds."""
        return round(2 * self.seconds[-1] - (self.extent[1] - self._length), DIGITS)

    @property
    def _length(self) -> float:
        """Return the length of a row in seconds; of one or two rows, the first begins at 0."""
        length = self.seconds[1] - self.seconds[0] if len(self.seconds) > 2 else 2 * self.seconds[0]
        return round(length, DIGITS)


def with_map(mel: npt.NDArray[np.float32], found: Map, title: str, label: str) -> str:
    """Return a grey spectrogram whose marked parts are orange, as SVG.

    Args:
        mel: Features ``(frames, mels)``.
        found: Map of the same cycle.
        title: Title of the drawing.
        label: Text alternative.
    """
    hertz, place = found.hertz, dict[str, Any](origin="lower", aspect="auto")
    height = (0.0, len(hertz))
    with drawing(4.0, 2.1, label) as canvas:
        axes = canvas.axes
        axes.imshow(media.scaled(mel, MOST_COLUMNS).T, cmap="gray", extent=(0.0, found.end, *height), **place)
        marks = media.colours(found.values).transpose(1, 0, 2)
        axes.imshow(marks, interpolation="bilinear", extent=(*found.extent, *height), **place)
        axes.set_xlim(0.0, found.end)
        shown = [tick for tick in TICKS_HZ if hertz[0] <= tick <= hertz[-1]]
        # Columns are evenly spaced: the middle of column i is at i + 0.5.
        axes.set_yticks(np.interp(shown, hertz, np.arange(len(hertz)) + 0.5), [f"{tick:,}" for tick in shown])
        axes.set(xlabel="seconds", ylabel="Hz")
        axes.set_title(title, fontsize=10)
        axes.grid(visible=False)
    return canvas.svg
