"""Sections of the report: their tables as texts, and their other texts."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import NamedTuple

SECTION = re.compile(r'<section id="(\w+)".*?</section>', re.DOTALL)
FIGURES = re.compile(r"<svg.*?</svg>|<style.*?</style>|<script.*?</script>|src=\"data:[^\"]*\"", re.DOTALL)
TABLES = re.compile("<table.*?</table>", re.DOTALL)
WIDTH = re.compile(r'<div style="width:([\d.]+)%"')
ABOVE = "the head of the page"  # name of what is above the first section


@dataclass
class Table:
    """One table, with texts in single spaces.

    Attributes:
        title: Heading and caption above the table.
        header: Titles of the columns.
        rows: Cells of each row.
    """

    title: str
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


class ExpectedTable(NamedTuple):
    """A table: the beginning of its title, its columns without the first, and the first cells of each row."""

    title: str
    columns: list[str]
    rows: list[tuple[str, ...]]


@dataclass
class Section:
    """One section of the page: its HTML and its tables."""

    html: str
    tables: list[Table]

    @property
    def prose(self) -> str:
        """HTML without tables and figures."""
        return TABLES.sub(" ", FIGURES.sub(" ", self.html))


def sections(html: str) -> dict[str, Section]:
    """Return all sections of a page by their ids, and what is above them and below."""
    found = {match[1]: match[0] for match in SECTION.finditer(html)}
    return {name: Section(part, tables(part)) for name, part in {ABOVE: SECTION.sub("", html), **found}.items()}


def ids(html: str) -> list[str]:
    """Return the ids of all sections of a page in their order."""
    return [match[1] for match in SECTION.finditer(html)]


def tables(html: str) -> list[Table]:
    """Return the tables of HTML in their order."""
    parser = _Parser()
    parser.feed(FIGURES.sub("", html))
    return parser.found


def text(html: str) -> str:
    """Return the text of HTML in single spaces; the width of a bar is a text."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", WIDTH.sub(r"\1 <", html))).split())


class _Parser(HTMLParser):
    """Tables of HTML in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Table] = []
        self._above: list[str] = []  # heading, then caption
        self._texts: list[str] | None = None  # texts of the cell or heading that is read
        self._rows: list[list[str]] = []

    def handle_starttag(self, tag, attrs):
        if tag in ("h3", "summary") or (tag == "p" and ("class", "caption") in attrs):
            self._above = [] if tag != "p" else self._above
            self._texts = []
        elif tag == "div" and ("class", "card") in attrs:
            self._above = []
        elif tag == "table":
            self.found.append(Table(" ".join(self._above)))
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td"):
            self._texts = []
        elif tag == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag):
        if tag == "thead":
            self.found[-1].header = self._rows[-1]
        elif tag == "tbody":
            self.found[-1].rows = self._rows
        if tag in ("thead", "tbody"):
            self._rows = []
        if self._texts is not None and tag in ("th", "td", "h3", "summary", "p"):
            found, self._texts = " ".join("".join(self._texts).split()), None
            (self._rows[-1] if tag in ("th", "td") else self._above).append(found)

    def handle_data(self, data):
        if self._texts is not None:
            self._texts.append(data)
