"""Matplotlib figures as SVG for an HTML page, in its font and colours; equal drawings give equal bytes."""

import html
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Placeholder colours, replaced by CSS variables in the SVG text: the page has a light and a dark theme.
COLOURS = {f"#0a0b{index:02x}": f"var(--c{index})" for index in range(8)}
INK, MUTED, GRID = "#0c0d01", "#0c0d02", "#0c0d03"
VARIABLES = COLOURS | {INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--line)"}
PALETTE = tuple(COLOURS)

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "breathline",
    "font.family": ["DejaVu Sans"],  # part of matplotlib, so that its metrics are the same on every machine
    "font.size": 10,
    "text.parse_math": False,  # names of users may hold dollar signs
    "text.color": INK,
    "axes.formatter.useoffset": False,  # each number of an axis is shown in full: 1.387, not 0.001 below "+1.386"
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


WIDE, NARROW = 10.2, 4.4  # inches: of a computer's page, and of a phone's
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))  # one for each round through the colours


def line_of(index: int, name: str) -> dict[str, Any]:
    """Return colour, dashes and legend of the n-th line of a figure, for any number of lines.

    Args:
        index: Number of the line, from 0.
        name: Name for the legend.
    """
    dashes = DASHES[index // len(PALETTE) % len(DASHES)]
    return {"color": PALETTE[index % len(PALETTE)], "linestyle": dashes, "label": in_legend(name)}


def in_legend(name: str) -> str:
    """Return a name for a legend. Matplotlib would leave out one that begins with an underscore."""
    return f"\u200b{name}" if name.startswith("_") else name


@dataclass
class Canvas:
    """The axes of a drawing, and its SVG text after the drawing has ended."""

    axes: Axes
    svg: str = ""


@contextmanager
def drawing(width: float, height: float, label: str) -> Iterator[Canvas]:
    """Yield a canvas of a size in inches; when the block ends, the canvas holds the SVG.

    Args:
        width: The width in inches; the page scales the figure to its column.
        height: The height in inches.
        label: The text alternative of the figure for screen readers.
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


def of_both_widths(draw: Callable[[float], str]) -> str:
    """Return a figure that is drawn twice: for wide pages, and with the same letters for phones.

    Args:
        draw: Function from a width in inches to the SVG.
    """
    parts = (f'<div class="{name}">{draw(width)}</div>' for name, width in (("on-wide", WIDE), ("on-narrow", NARROW)))
    return "".join(parts)


def side_by_side(drawings: Sequence[str]) -> str:
    """Return small figures beside each other, as many as fit into the width of the page.

    Each has an element of its own, which also holds its button for downloads.
    """
    return f'<div class="side-by-side">{"".join(f"<div>{one}</div>" for one in drawings)}</div>'


def _themed(text: str, label: str) -> str:
    """Return the SVG element in the page's colours and font, without its own size, names and metadata."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*">', "<g>", text)
    box = re.search(r'viewBox="[^"]*"', text)
    # As wide as it was drawn, and no wider: letters of all figures have one size.
    points = float(box[0].split()[-2]) if box else 0.0
    size = f'style="max-width:{points * 4 / 3:.0f}px"'
    head = f'<svg {box[0] if box else ""} {size} role="img" aria-label="{html.escape(label)}">'
    text = re.sub(r"<svg[^>]*>", lambda _: head, text, count=1)
    text = re.sub(r"font: ([^;\"]*?px) [^;\"]*", r"font: \1 var(--font)", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, variable)
    return "\n".join(line for line in text.splitlines() if line.strip())
