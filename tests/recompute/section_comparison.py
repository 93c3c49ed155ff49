"""Comparison of one section of a report: its numbers, names and parts, with those that are computed again."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.recompute import (
    explained,
    figures,
    gallery,
    headings,
    html_page,
    inventory,
    mapped,
    others,
    prose,
    svg_figures,
    tables,
)
from tests.recompute.html_page import ABOVE, ExpectedTable, Section, Table
from tests.recompute.numbers import NUMBER, ROUNDING, Spread, Text, differs
from tests.recompute.run import Run
from tests.recompute.svg_figures import Points, SvgFigure

# Tables and figures that nothing here reads: their section, the beginning of their title, and what they show.
NOT_READ = (
    ("maps", ".* of .* by .*", "pixels of maps"),
    ("sharpness", "loss around .*", "contours"),
    ("provenance", "Settings that differ from the recipe", "settings of the recipe"),
)
KNOWN_TABLES = (*tables.TABLES, *others.TABLES, *explained.TABLES, *mapped.TABLES)
KNOWN_FIGURES = (*figures.FIGURES, *others.FIGURES, *explained.FIGURES, *mapped.FIGURES)
UNREAD = (ABOVE, "provenance", "reading")  # dates, hashes, settings, names and explanations
# A name of the page that the run does not have, or a damaged figure.
UNKNOWN = (LookupError, StopIteration, ValueError, TypeError, AttributeError, SyntaxError)
SIMPLIFIED_BY = 0.25  # pixels by which a line may move of which points are left out
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

    def parts(self, run: Run, section: Section) -> None:
        """Compare the names of tables, rows, columns, figures and sentences with those that the run must have."""
        expected, labels = inventory.of_section(run, self.section)
        known = [one for one in section.tables if not _not_read(self.section, one.title)]
        titles = [one.title for one in known]
        missing = [one.title for one in expected if not any(title.startswith(one.title) for title in titles)]
        if len(known) != len(expected) or missing:
            self.wrong.append(f"{len(known)} tables, expected {len(expected)}; missing: {'; '.join(missing) or 'none'}")
        else:
            for table, one in zip(known, expected, strict=True):
                if not table.title.startswith(one.title):
                    self.wrong.append(f"table {table.title[:40]}: expected {one.title} in its place")
                self._names(table, one)
        shown = [label for label, _ in svg_figures.labelled(section.html)]
        for label in sorted({*shown, *labels}):
            if shown.count(label) != (number := labels.count(label)):
                self.wrong.append(f"figure {label}: {shown.count(label)} times, expected {number}")
        if shown != labels and sorted(shown) == sorted(labels):
            self.wrong.append(f"order of figures: {'; '.join(shown)}, expected {'; '.join(labels)}")
        self.wrong += headings.wrong(section.html)
        for pattern in inventory.sentences(run, self.section):
            if (number := inventory.count(section.html, pattern)) != 1:
                self.wrong.append(f"text {pattern}: {number} times, expected 1")
        if self.section == "gallery":
            self.wrong += gallery.differences(run, section.html)

    def _names(self, table: Table, expected: ExpectedTable) -> None:
        """Compare the titles of columns, and the names and marks of rows."""
        place = f"table {table.title[:40]}"
        if table.header[1:] != expected.columns:
            self.wrong.append(f"{place}: columns {table.header[1:]}, expected {expected.columns}")
        rows = [tuple(row[: len(one)]) for row, one in zip(table.rows, expected.rows, strict=False)]
        for shown, one in zip(rows, expected.rows, strict=False):
            if shown[:1] != one[:1] or not all(cell.startswith(part) for cell, part in zip(shown, one, strict=True)):
                self.wrong.append(f"{place}: row {', '.join(shown)}, expected {', '.join(one)}")
        if len(table.rows) != len(expected.rows):
            self.wrong.append(f"{place}: {len(table.rows)} rows, expected {len(expected.rows)}")

    def table(self, run: Run, table: Table) -> None:
        """Compare all cells of a table."""
        function = _known(self.section, table.title)
        if function is None:
            self._other("table", table.title)
            return
        self.numbers += sum("% interval" in title for title in table.header)  # `_names` compares them
        for row in table.rows:
            try:
                expected = function(run, table, row)
                for title, cell, values in zip(table.header[1:], row[1:], expected, strict=True):
                    self.cell(f"{row[0]}, {title}", cell, values)
            except UNKNOWN as error:
                self.wrong.append(f"{row[0]}: {error}")

    def cell(self, place: str, shown: str, expected: Sequence[float] | str) -> None:
        """Compare a cell with its text, or its numbers; ± joins a mean and a standard deviation alone."""
        spread = isinstance(expected, Spread) and np.isfinite(expected).all()
        if isinstance(expected, str):
            self.numbers += len(NUMBER.findall(shown))
            if shown != expected:
                self.wrong.append(f"{place}: shown {shown or 'nothing'}, recomputed {expected}")
        elif ("±" in shown) != spread:
            self.wrong.append(f"{place}: shown {shown}, which should {'' if spread else 'not '}have ±")
        else:
            self.values(place, shown, expected)

    def figure(self, run: Run, label: str, svg: str) -> None:
        """Compare all points and texts of a figure."""
        for pattern, function in KNOWN_FIGURES:
            if found := re.fullmatch(pattern, label):
                try:
                    figure = svg_figures.read(label, svg, logarithmic=label in explained.LOGARITHMIC)
                    self._drawn(figure, function(run, found, figure.texts))
                except UNKNOWN as error:
                    self.wrong.append(f"{label}: {error}")
                return
        if self.section == "maps":
            try:
                self.numbers += len(NUMBER.findall(" ".join(mapped.axes(run, label, svg))))
            except UNKNOWN as error:
                self.wrong.append(f"{label}: {error}")
        self._other("figure", label)

    def _drawn(self, figure: SvgFigure, expected: figures.Expected) -> None:
        if figure.error() > AXES:
            self.wrong.append(f"{figure.label}: the numbers of an axis are not on its scale")
        self._points(figure, svg_figures.to_scale(expected.drawn, figure), expected.rounded)
        areas = [12 + 200 * n / max(expected.cycles) for n in expected.cycles]
        self.numbers += len(areas)
        same = len(areas) == len(figure.discs) and np.allclose(areas, figure.discs, atol=0.01)
        if len(areas) > 1 and not same:  # a single disc has one size on every page
            self.wrong.append(f"{figure.label}: areas of discs {figure.discs}, recomputed {areas}")
        for text, handle, one in zip(figure.texts, figure.handles, expected.texts, strict=False):
            self._text(figure, text, handle, one)
        if len(figure.texts) != len(expected.texts):
            self.wrong.append(f"{figure.label}: {len(figure.texts)} texts, expected {len(expected.texts)}")

    def _text(self, figure: SvgFigure, text: str, handle: svg_figures.Colour, expected: Text) -> None:
        """Compare a text of a figure, its numbers, and in a legend the colour of its line."""
        self.numbers += len(NUMBER.findall(text))
        found = re.fullmatch(expected.pattern, text)
        if not found or differs(" ".join(found.groups()), expected.values):
            known, values = (
                re.sub(r"\\(.)", r"\1", expected.pattern),
                ", ".join(f"{one:.4g}" for one in expected.values),
            )
            self.wrong.append(f"{figure.label}: text {text}, expected {known} {values}".rstrip())
        if expected.line is not None and figure.colours[expected.line : expected.line + 1] != [handle]:
            self.wrong.append(f"{figure.label}: the colour of {text} in the legend is not that of its line")

    def _points(self, figure: SvgFigure, expected: list[Points], rounded: bool) -> None:
        # Percentages are rounded to two decimals before they are drawn, other figures to four.
        decimals = 2 if max((value for ticks in figure.axes for _, value in ticks), default=0) > 1 else 4
        pairs = [svg_figures.simplified(*pair) for pair in zip(figure.drawn, expected, strict=False)]
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
        for points, (moved, _), values in zip(figure.drawn, pairs, expected, strict=True):
            for at in np.flatnonzero(figure.beside(points, values) > SIMPLIFIED_BY) if moved else ():
                self.wrong.append(f"{figure.label}: no line at {_point(values[at])}")

    def prose(self, run: Run, section: Section) -> None:
        """Compare the numbers of all texts; none may be left, but in the sections `UNREAD`."""
        level = "|".join(prose.LEVEL).replace("{}", re.escape(f"{100 * run.level:g}"))
        html = re.sub(level, " ", section.prose)
        for owner, pattern, function in prose.PROSE:
            if owner in ("", self.section):
                for match in re.finditer(pattern, html, re.DOTALL):
                    shown = html_page.text(match["n"])
                    self.text(shown[:40], shown, lambda match=match, function=function: function(run, match))
                html = re.sub(pattern, lambda match: match.groupdict().get("kept") or " ", html, flags=re.DOTALL)
        if self.section not in UNREAD:
            names = {*run.networks, *run.test["cycle_id"], run.params["labels"]}
            left = html_page.text(html).replace(run.split, " ")
            for owners, pattern in prose.CONSTANT:
                left = re.sub(pattern, " ", left) if re.fullmatch(owners, self.section) else left
            left = " ".join(word for word in left.split() if word.strip(":,.") not in names)
            for match in NUMBER.finditer(left):
                self.wrong.append(f"unknown number in: {left[max(match.start() - 40, 0) : match.end() + 10]}")

    def _other(self, kind: str, title: str) -> None:
        """Note a table or figure that is not compared; an unknown one is wrong."""
        if source := _not_read(self.section, title):
            self.not_read[source] += 1
        else:
            self.wrong.append(f"unknown {kind}: {title}")


def _not_read(section: str, title: str) -> str | None:
    """Return what a table or figure shows that nothing here reads; None for others."""
    return next((source for of, pattern, source in NOT_READ if of == section and re.match(pattern, title)), None)


def _known(section: str, title: str) -> tables.Recompute | None:
    """Return the function that computes a table; None if it is unknown."""
    return next((one for of, pattern, one in KNOWN_TABLES if of == section and re.match(pattern, title)), None)


def _point(point: tuple[float, float]) -> str:
    return f"({point[0]:.5g}, {point[1]:.5g})"
