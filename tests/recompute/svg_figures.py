"""Figures of the report as numbers: drawn points in the units of their axes, and texts, read from the SVG."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np

FIGURE = re.compile(r'<svg[^>]*aria-label="([^"]*)"[^>]*>.*?</svg>', re.DOTALL)
POINT = re.compile(r"[ML] (\S+) (\S+)")
GRID, SVG = "stroke: var(--line)", "{http://www.w3.org/2000/svg}"
LARGE = 30.0  # pixels; a mark is smaller, a band is larger
Points = list[tuple[float, float]]
LEAST = 1e-12  # squared length in pixels of a part of a line, for a division
SIMPLIFIED = 128  # points from which matplotlib leaves out some of a line
Colour = tuple[str, str]  # colour, and dashes


class Scale(NamedTuple):
    """Scale of an axis: the value at a pixel, or its logarithm, is `slope` times the pixel plus `start`."""

    slope: float
    start: float
    log: bool = False

    def values(self, pixels: Sequence[float]) -> list[float]:
        """Return the values at pixels."""
        found = self.slope * np.asarray(pixels, dtype=float) + self.start
        return (np.exp(found) if self.log else found).tolist()

    def pixels(self, values: Sequence[float]) -> np.ndarray:
        """Return the pixels at values."""
        found = np.asarray(values, dtype=float)
        return ((np.log(found) if self.log else found) - self.start) / self.slope


@dataclass
class SvgFigure:
    """One drawn figure."""

    label: str
    logarithmic: bool = False  # whether the vertical axis is
    drawn: list[Points] = field(default_factory=list)  # lines, marks and bands in the order of drawing
    discs: list[float] = field(default_factory=list)  # squared diameters of discs of several sizes, in the same order
    colours: list[Colour] = field(default_factory=list)  # of `drawn`
    texts: list[str] = field(default_factory=list)  # all texts but the numbers of the axes
    handles: list[Colour] = field(default_factory=list)  # of `texts`: the line or mark beside an entry of a legend
    axes: tuple[Points, Points] = field(default_factory=lambda: ([], []))  # pixel and value of each number, x and y

    def values(self, pixels: Points) -> Points:
        """Return points in the units of the axes; in pixels along an axis without numbers."""
        sides = [self._scale(place).values([point[place] for point in pixels]) for place in (0, 1)]
        return list(zip(*sides, strict=True))

    def apart(self, points: Points, others: Points) -> np.ndarray:
        """Return the distances of points in pixels ``(points, 2)``."""
        sides = zip(np.transpose(points), np.transpose(others), strict=True)
        pixels = [[self._scale(place).pixels(one) for one in pair] for place, pair in enumerate(sides)]
        return np.abs([one - other for one, other in pixels]).T

    def beside(self, points: Points, others: Points) -> np.ndarray:
        """Return the distance in pixels of each of other points from the line through `points`."""
        line, single = (
            np.transpose([self._scale(place).pixels(one) for place, one in enumerate(np.transpose(side))])
            for side in (points, others)
        )
        starts, along = line[:-1], np.diff(line, axis=0)
        lengths = np.maximum((along**2).sum(axis=1), LEAST)
        shares = (((single[:, None] - starts) * along).sum(axis=2) / lengths).clip(0, 1)
        nearest = starts + shares[..., None] * along
        return np.sqrt(((single[:, None] - nearest) ** 2).sum(axis=2)).min(axis=1)

    def _scale(self, place: int) -> "Scale":
        if len(self.axes[place]) < 2:
            return Scale(1.0, 0.0)
        pixels, values = np.array(self.axes[place]).T
        log = self.logarithmic and place == 1
        return Scale(*np.polyfit(pixels, np.log(values) if log else values, 1), log)

    def error(self) -> float:
        """Return the largest distance of a number of an axis from its place on the scale, as a share of the largest."""
        found = [0.0]
        for place, ticks in enumerate(self.axes):
            for pixel, value in ticks:
                seen = self.values([(pixel, pixel)])[0][place]
                found.append(abs(seen - value) / max(abs(one) for _, one in ticks))
        return max(found)


def labelled(page: str) -> list[tuple[str, str]]:
    """Return the text alternative and the SVG of all figures of a page, in their order."""
    return [(html.unescape(match[1]), match[0]) for match in FIGURE.finditer(page)]


def read(label: str, svg: str, *, logarithmic: bool = False) -> SvgFigure:
    """Return a figure as numbers.

    Args:
        label: Text alternative.
        svg: The figure.
        logarithmic: Whether its vertical axis is logarithmic.
    """
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    root, found = ET.fromstring(svg.replace("<svg ", f"<svg {names} ", 1)), SvgFigure(label, logarithmic)  # noqa: S314 - a page of this test
    shapes = {f"#{one.get('id')}": one.get("d") for one in root.iter(f"{SVG}path") if one.get("id")}
    pixels: list[Points] = []
    numbers = set()
    for group in root.iter(f"{SVG}g"):
        # A number of an axis is beside its line of the grid.
        lines = [one for one in group.iterfind("./*/") if GRID in one.get("style", "")]
        for one in group.iterfind(f"./{SVG}g/{SVG}text") if lines else ():
            (x, y), (also, _) = _points(lines[0].get("d"))
            vertical = x == also
            found.axes[not vertical].append((x if vertical else y, float(one.text.replace("−", "-"))))
            numbers.add(one)
    for one in root.iter():
        if one.get("clip-path") is None or GRID in one.get("style", ""):
            continue
        if one.tag == f"{SVG}path" and "C" in one.get("d"):
            (left, right), (top, bottom) = _extent(one.get("d"))
            drawn = [[((left + right) / 2, (top + bottom) / 2)]]
            found.discs.append((right - left) * (bottom - top))
        elif one.tag == f"{SVG}path":
            drawn = [_points(one.get("d"))]
        else:
            drawn = _uses(one, shapes)
        pixels += drawn
        found.colours += [_colour(one)] * len(drawn)
    for text, handle in _texts(root):
        if text not in numbers:
            found.texts.append("".join(text.itertext()))
            found.handles.append(handle)
    found.drawn = [found.values(one) for one in pixels]
    return found


def to_scale(values: list[Points], figure: SvgFigure) -> list[Points]:
    """Return points in pixels along axes without numbers, by the origin and scale that fit best."""
    if [len(one) for one in values] != [len(one) for one in figure.drawn]:
        return values
    known, pixels = (np.concatenate(side).astype(float) for side in (values, figure.drawn))
    for axis in (0, 1):
        placed = np.isfinite(known[:, axis])
        if len(figure.axes[axis]) < 2 and len(set(known[placed, axis])) > 1:
            known[:, axis] = np.polyval(np.polyfit(known[placed, axis], pixels[placed, axis], 1), known[:, axis])
    ends = np.cumsum([len(one) for one in values])
    return [list(map(tuple, part)) for part in np.split(known, ends[:-1])]


def simplified(points: Points, values: Points) -> tuple[bool, Points]:
    """Return whether some of many points are left out of a line, and the points of the line at those that are drawn."""
    if len(values) < SIMPLIFIED or not 2 <= len(points) < len(values):
        return False, values
    at = [values[0][0], *(x for x, _ in points[1:-1]), values[-1][0]]
    return True, list(zip(at, np.interp(at, *zip(*values, strict=True)), strict=True))


def _uses(group: ET.Element, shapes: dict[str, str]) -> list[Points]:
    """Return marks of one kind as one list of their places; or the corners of each band."""
    uses = [(shapes[one.get("{http://www.w3.org/1999/xlink}href")], one) for one in group.iter(f"{SVG}use")]
    places = [(float(one.get("x")), float(one.get("y"))) for _, one in uses]
    corners = [_points(shape) for shape, _ in uses]
    if np.ptp(corners[0], axis=0).max() < LARGE:
        return [places]
    return [[(x + left, y + top) for x, y in one] for one, (left, top) in zip(corners, places, strict=True)]


def _texts(root: ET.Element) -> list[tuple[ET.Element, Colour]]:
    """Return all texts, each with the colour of the last line since the text before it; without a line, of the mark."""
    found, line, mark = [], None, ("", "")
    for one in root.iter():
        if one.tag == f"{SVG}path" and one.get("style"):
            line = _colour(one)
        elif one.tag == f"{SVG}use":
            mark = _colour(one)
        elif one.tag == f"{SVG}text":
            found.append((one, line or mark))
            line, mark = None, ("", "")
    return found


def _colour(shape: ET.Element) -> Colour:
    """Return the colour of a shape, or of the first one of a group."""
    style = next(one for part in shape.iter() if (one := part.get("style")))
    names = dict(part.split(": ", 1) for part in style.split("; "))
    colour = next((one for key in ("stroke", "fill") if (one := names.get(key, "none")) != "none"), "none")
    return colour, names.get("stroke-dasharray", "")


def _extent(path: str) -> list[tuple[float, float]]:
    """Return the least and the largest x, and y, of a closed curve."""
    numbers = [float(one) for one in re.findall(r"-?[\d.]+", path)]
    return [(min(numbers[at::2]), max(numbers[at::2])) for at in (0, 1)]


def _points(path: str) -> Points:
    return [(float(x), float(y)) for x, y in POINT.findall(path)]
