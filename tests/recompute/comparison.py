"""Every number of a report, compared with the number that is computed again."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.recompute import explained, figures, html_page, others, prose, svg_figures, tables
from tests.recompute.html_page import ABOVE, Section, Table
from tests.recompute.numbers import NUMBER, ROUNDING, differs
from tests.recompute.run import Run
from tests.recompute.svg_figures import Points, SvgFigure

PREDICTIONS, EXPLANATIONS = "predictions", "explanations: no number of the run"
# What gives the numbers of sections that do not follow from predictions.
SOURCES = {
    "training": "model.json, history.csv",
    "domains": "tables of recordings, features",
    "data_checks": "results of Great Expectations",
    "provenance": "records, event log",
    "embeddings": "explanation.json",
    "maps": "explanation.json",
    "sharpness": "explanation.json",
}
# Tables and figures that nothing here reads: their section, the beginning of their title, and what they show.
NOT_READ = (
    ("maps", ".* of .* by .*", "pixels of maps"),
    ("sharpness", "loss around .*", "contours"),
    ("provenance", "Settings that differ from the recipe", "settings of the recipe"),
)
KNOWN_TABLES = (*tables.TABLES, *others.TABLES, *explained.TABLES)
KNOWN_FIGURES = (*figures.FIGURES, *others.FIGURES, *explained.FIGURES)
UNREAD = (ABOVE, "provenance", "reading")  # dates, hashes, settings, names and explanations
UNKNOWN = (LookupError, StopIteration, ValueError, TypeError)  # a name of the page that the run does not have
SIMPLIFIED, SIMPLIFIED_BY = 128, 0.25  # points from which matplotlib leaves out some of a line; pixels that it may move
EXACT = 1e-3  # pixels by which points that were not rounded may be apart
AXES = 1e-6  # largest distance of a number of an axis from its place, as a share of the axis


@dataclass
class Compared:
    """The comparison of one section.

    Attributes:
        section: Id of the section.
        source: What its numbers are computed from.
        numbers: How many numbers were compared.
        wrong: A line for each wrong number, and for each table or figure that is unknown.
        not_read: Number of tables and figures that are not compared, by the reason.
    """

    section: str
    source: str
    numbers: int = 0
    wrong: list[str] = field(default_factory=list)
    not_read: Counter[str] = field(default_factory=Counter)

    def text(self, place: str, shown: str, recompute: Callable[[], Sequence[float]]) -> None:
        """Compare the numbers of a text with values."""
        try:
            self.values(place, shown, recompute())
        except UNKNOWN as error:
            self.wrong.append(f"{place}: {error}")

    def values(self, place: str, shown: str, expected: Sequence[float]) -> None:
        """Compare the numbers of a text with values."""
        self.numbers += len(NUMBER.findall(shown))
        if differs(shown, expected):
            known = ", ".join(f"{value:.4g}" for value in expected if not np.isnan(value)) or "nothing"
            self.wrong.append(f"{place}: shown {shown or 'nothing'}, recomputed {known}")

    def table(self, run: Run, table: Table) -> None:
        """Compare all cells of a table."""
        function = _known(self.section, table.title)
        if function is None:
            self._other("table", table.title)
            return
        for title in table.header:
            if "% interval" in title:
                self.values(f"column {title}", title, [100 * run.level])
        for row in table.rows:
            try:
                expected = function(run, table, row)
                for title, cell, values in zip(table.header[1:], row[1:], expected, strict=True):
                    self.values(f"{row[0]}, {title}", cell, values)
            except UNKNOWN as error:
                self.wrong.append(f"{row[0]}: {error}")

    def figure(self, run: Run, label: str, svg: str) -> None:
        """Compare all points and texts of a figure."""
        for pattern, function in KNOWN_FIGURES:
            if found := re.fullmatch(pattern, label):
                figure = svg_figures.read(label, svg, logarithmic=label in explained.LOGARITHMIC)
                try:
                    self._drawn(figure, function(run, found, figure.texts))
                except UNKNOWN as error:
                    self.wrong.append(f"{label}: {error}")
                return
        self._other("figure", label)

    def _drawn(self, figure: SvgFigure, expected: figures.Expected) -> None:
        if figure.error() > AXES:
            self.wrong.append(f"{figure.label}: the numbers of an axis are not on its scale")
        self._points(figure, to_scale(expected.drawn, figure), expected.rounded)
        areas = [12 + 200 * n / max(expected.cycles) for n in expected.cycles]
        self.numbers += len(areas)
        same = len(areas) == len(figure.discs) and np.allclose(areas, figure.discs, atol=0.01)
        if len(areas) > 1 and not same:  # a single disc has one size on every page
            self.wrong.append(f"{figure.label}: areas of discs {figure.discs}, recomputed {areas}")
        for text in figure.texts:
            name = max((one for one in expected.numbers if text.startswith(one)), key=len, default="")
            inside = text if name == text else text.removeprefix(name)
            self.values(f"{figure.label}, {name}", inside, expected.numbers.get(name, []))

    def _points(self, figure: SvgFigure, expected: list[Points], rounded: bool) -> None:
        # Percentages are rounded to two decimals before they are drawn, other figures to four.
        decimals = 2 if max((value for ticks in figure.axes for _, value in ticks), default=0) > 1 else 4
        pairs = [simplified(*pair) for pair in zip(figure.drawn, expected, strict=False)]
        sizes = [[len(one) for one in side] for side in (figure.drawn, [values for _, values in pairs])]
        if sizes[0] != sizes[1] or len(figure.drawn) != len(expected):
            known = [len(one) for one in expected]
            self.wrong.append(f"{figure.label}: lines of {sizes[0]} points, recomputed {known}")
            return
        for points, (moved, values) in zip(figure.drawn, pairs, strict=True):
            self.numbers += int(np.isfinite(values).sum())
            if rounded and not moved:
                apart = np.abs(np.subtract(points, values)) > ROUNDING * 10**-decimals
            else:
                apart = figure.apart(points, values) > (SIMPLIFIED_BY if moved else EXACT)
            for at in np.flatnonzero(apart.any(axis=-1)):
                self.wrong.append(f"{figure.label}: point {_point(points[at])}, recomputed {_point(values[at])}")

    def prose(self, run: Run, section: Section) -> None:
        """Compare the numbers of all texts; none may be left, but in the sections `UNREAD`."""
        html = section.prose.replace(f"{100 * run.level:g} %", " ")
        for owner, pattern, function in prose.PROSE:
            if owner in ("", self.section):
                for match in re.finditer(pattern, html, re.DOTALL):
                    shown = html_page.text(match["n"])
                    self.text(shown[:40], shown, lambda match=match, function=function: function(run, match))
                html = re.sub(pattern, lambda match: match.groupdict().get("kept") or " ", html, flags=re.DOTALL)
        if self.section not in UNREAD:
            names = {*run.networks, *run.test["cycle_id"], run.params["labels"]}
            left = re.sub("|".join(prose.CONSTANT), " ", html_page.text(html).replace(run.split, " "))
            left = " ".join(word for word in left.split() if word.strip(":,.") not in names)
            for match in NUMBER.finditer(left):
                self.wrong.append(f"unknown number in: {left[max(match.start() - 40, 0) : match.end() + 10]}")

    def _other(self, kind: str, title: str) -> None:
        """Note a table or figure that is not compared; an unknown one is wrong."""
        for section, pattern, source in NOT_READ:
            if section == self.section and re.match(pattern, title):
                self.not_read[source] += 1
                return
        self.wrong.append(f"unknown {kind}: {title}")


def compare(run: Run, html: str) -> Iterator[Compared]:
    """Yield the comparison of each section of a page, as far as `tests.recompute` knows how its numbers arise."""
    for name, section in html_page.sections(html).items():
        source = EXPLANATIONS if name == "reading" else SOURCES.get(name, PREDICTIONS)
        found = Compared(name, source)
        for table in section.tables:
            found.table(run, table)
        for label, svg in svg_figures.labelled(section.html):
            found.figure(run, label, svg)
        found.prose(run, section)
        yield found


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
    at = [x for x, _ in points]
    return True, list(zip(at, np.interp(at, *zip(*values, strict=True)), strict=True))


def _known(section: str, title: str) -> tables.Recompute | None:
    """Return the function that computes a table; None if it is unknown."""
    return next((one for of, pattern, one in KNOWN_TABLES if of == section and re.match(pattern, title)), None)


def _point(point: tuple[float, float]) -> str:
    return f"({point[0]:.5g}, {point[1]:.5g})"
