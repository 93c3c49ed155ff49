"""Matplotlib figures as SVG inside a page, in its font and colours; equal drawings give equal bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Matplotlib writes each of these colours as it is, and the page's stylesheet says what they are, by day and by night.
COLOURS = {f"#0a0b{index:02x}": f"var(--c{index})" for index in range(8)}
INK, MUTED, GRID = "#0c0d01", "#0c0d02", "#0c0d03"
VARIABLES = COLOURS | {INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--line)"}
PALETTE = tuple(COLOURS)

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "breathline",
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: its metrics are the same everywhere
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "ytick.left": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
}


@dataclass
class Canvas:
    """Axes to draw on, and the SVG text once the drawing is done."""

    axes: Axes
    svg: str = ""


@contextmanager
def drawing(width: float, height: float, label: str) -> Iterator[Canvas]:
    """Yield axes of a size in inches; when the block ends, the canvas holds the SVG.

    Args:
        width: In inches; the page scales the figure to its column.
        height: In inches.
        label: What the figure shows, for those who hear the page read.
    """
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.patch.set_visible(False)
        canvas = Canvas(figure.add_subplot())
        canvas.axes.patch.set_visible(False)
        yield canvas
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    canvas.svg = _themed(buffer.getvalue(), label)


def _themed(text: str, label: str) -> str:
    """Return the SVG element without size, names and metadata of its own, in the page's colours and font."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*">', "<g>", text)
    box = re.search(r'viewBox="[^"]*"', text)
    text = re.sub(r"<svg[^>]*>", f'<svg {box[0] if box else ""} role="img" aria-label="{label}">', text, count=1)
    text = re.sub(r"font: ([^;\"]*?px) [^;\"]*", r"font: \1 var(--font)", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, variable)
    return "\n".join(line for line in text.splitlines() if line.strip())
