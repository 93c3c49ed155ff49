"""Parts of figures that several sections of the report share, drawn from the numbers in its tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from tasks.reporting.svg import INK, MUTED, PALETTE, WIDE, drawing, of_both_widths

STRICT, LENIENT = PALETTE[0], PALETTE[1]
CHANCE = 50.0  # the Score of a model that predicts the same class for every cycle
DASHED: dict[str, Any] = {"color": MUTED, "linewidth": 1, "linestyle": (0, (4, 3))}


def scores(rows: Sequence[tuple[str, Mapping[str, Any]]], label: str) -> str:
    """Return both Scores of each row with their intervals, one row below the other.

    Args:
        rows: Pairs of a name and its figures with `low` and `high`, as `tasks.evaluation.summary` makes them.
        label: The text alternative of the figure.
    """
    return of_both_widths(lambda width: _scores(rows, label, width))


def _scores(rows: Sequence[tuple[str, Mapping[str, Any]]], label: str, width: float) -> str:
    """Return the figure `scores` in one width; on a narrow page, the name of a row is above it."""
    wide = width == WIDE
    with drawing(width, 0.62 + (0.34 if wide else 0.5) * len(rows), label) as canvas:
        axes = canvas.axes
        axes.axvline(CHANCE, **DASHED)
        for row, (_, found) in enumerate(rows):
            for name, colour, shift, face in (
                ("score_strict", STRICT, -0.14, STRICT),
                ("score_lenient", LENIENT, 0.14, "none"),
            ):
                value, low, high = found[name], found["low"][name], found["high"][name]
                if low is not None and high is not None:
                    axes.plot([low, high], [row + shift] * 2, color=colour, linewidth=2.2, solid_capstyle="round")
                if value is not None:
                    axes.plot(value, row + shift, "o", color=colour, markerfacecolor=face, markersize=6.5)
        axes.set_yticks(range(len(rows)), [name if wide else "" for name, _ in rows], color=INK)
        for row, (name, _) in enumerate(rows if not wide else ()):
            axes.text(0, row - 0.3, name, color=INK, va="bottom")
        axes.set_ylim(len(rows) - 0.4, -0.6 if wide else -0.75)
        axes.set_xlim(0, 100)
        axes.set_xlabel("Score in percent · filled: strict · open: lenient" + (" · dashed: chance" if wide else ""))
        axes.grid(visible=False, axis="y")
    return canvas.svg


def evenly_chosen(number: int, most: int) -> npt.NDArray[np.int64]:
    """Return the indices of at most `most` of some items, at even distances from the first to the last.

    Args:
        number: Number of items.
        most: Largest number of indices.
    """
    return np.linspace(0, number - 1, min(most, number)).round().astype(np.int64)


def unit_square(axes: Axes, x: str, y: str) -> None:
    """Set the limits of both axes to 0 and 1, and their titles."""
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04), xlabel=x, ylabel=y)
