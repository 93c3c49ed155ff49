"""Content hash of the report, which leaves out the texts of its provenance.

Equal runs give reports that differ in their provenance: times, commits, numbers of evaluations. The template marks
these parts (`tasks/reporting/templates`). A marked part counts if it holds other elements than the template's.
"""

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

BEGIN, END = b"<!-- provenance -->", b"<!-- /provenance -->"
MARKED = re.compile(re.escape(BEGIN) + rb"(.*?)" + re.escape(END), re.DOTALL)
ELEMENTS = frozenset(  # those of the template
    ("a", "b", "code", "dd", "div", "dl", "dt", "h3", "p", "pre", "table", "tbody", "td", "th", "thead", "tr")
)
ATTRIBUTES = {  # their attributes, each with a pattern of its values
    "class": r"card|muted|scroll",
    "href": r"#provenance|\.\./data/[\w./-]+",
    "scope": r"row|col",
    "tabindex": r"0",
    "role": r"region",
    "aria-label": r"[\w ,]+: table \d+",
}


def report_hash(path: Path) -> str | None:
    """Return the hash of a page without the texts of its marked parts; None for a page without such parts."""
    page = path.read_bytes()
    rest = MARKED.sub(lambda part: BEGIN + (b"" if _is_usual(part[1]) else part[1]) + END, page)
    return hashlib.sha256(rest).hexdigest() if MARKED.search(page) else None


def _is_usual(part: bytes) -> bool:
    """Return whether a marked part holds nothing but texts in elements of the template, each with its end."""
    parser = _Elements(convert_charrefs=False)
    parser.feed(part.decode(errors="replace"))
    parser.close()
    return parser.usual and not parser.open


class _Elements(HTMLParser):
    """Elements of a marked part.

    Attributes:
        usual: Whether all elements and attributes so far are those of the template.
        open: Names of the elements that have not ended.
    """

    def __init__(self, *, convert_charrefs: bool) -> None:
        super().__init__(convert_charrefs=convert_charrefs)
        self.usual = True
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = all(name in ATTRIBUTES and re.fullmatch(ATTRIBUTES[name], value or "") for name, value in attrs)
        self.usual = self.usual and tag in ELEMENTS and known
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.usual = self.usual and self.open[-1:] == [tag]
        self.open = self.open[:-1]

    def handle_data(self, data: str) -> None:
        self.usual = self.usual and "<" not in data  # the beginning of an element that has no end

    def handle_comment(self, data: str) -> None:
        self.usual = False

    def handle_decl(self, decl: str) -> None:
        self.usual = False

    def handle_pi(self, data: str) -> None:
        self.usual = False

    def unknown_decl(self, data: str) -> None:
        self.usual = False
