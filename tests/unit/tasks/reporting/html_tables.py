"""Tables of the report as lists of texts."""

from html.parser import HTMLParser


class Tables(HTMLParser):
    """Rows of every table of a page, by the id of its section.

    Attributes:
        found: Tables of each section by its id; a table is a list of rows, a row a list of texts.
        html: The page.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, list[list[list[str]]]] = {}
        self._section, self._cell = "", False
        self.html = html
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "section":
            self._section = dict(attrs)["id"]
        elif tag == "table":
            self.found.setdefault(self._section, []).append([])
        elif tag == "tr":
            self.found[self._section][-1].append([])
        elif tag == "br":
            self.handle_data(" ")
        elif tag in ("th", "td"):
            self.found[self._section][-1][-1].append("")
            self._cell = True

    def handle_endtag(self, tag):
        self._cell = self._cell and tag not in ("th", "td")

    def handle_data(self, data):
        if self._cell:
            self.found[self._section][-1][-1][-1] += data

    def rows(self, section: str, number: int = 0) -> list[list[str]]:
        """Return the rows of one table without its header, texts in single spaces."""
        return [[" ".join(cell.split()) for cell in row] for row in self.found[section][number]]
