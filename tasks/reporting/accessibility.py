"""Attributes of tables for keyboards and screen readers, added to the HTML of all sections alike."""

import re
from html import escape
from itertools import count

TABLE = re.compile(r"(?P<table><table\b[^>]*>)(?:\s*<caption>(?P<caption>.*?)</caption>)?", re.DOTALL)
CARD = ' class="card'  # begins a part of a section, with the headings of its tables
HEADING = re.compile(r"<h3\b[^>]*>(.*?)</h3>", re.DOTALL)


def with_roles(html: str, title: str) -> str:
    """Return HTML in which tables can be scrolled by keyboard and their headers name rows or columns.

    A caption becomes a paragraph above its table, where it does not scroll with the columns. A table has its name from
    the heading above it in its card, or else from its caption.

    Args:
        html: HTML of one section, with ``<thead>`` and ``<tbody>`` in its tables.
        title: Title of the section, with which the names of tables begin.
    """
    numbers = count(1)

    def region(found: re.Match[str]) -> str:
        number, caption = next(numbers), found["caption"]
        anchor = f"{re.sub(r'[^a-z]+', '-', title.lower())}-table-{number}"
        card = html.rfind(CARD, 0, found.start())
        headings = HEADING.findall(html, card, found.start()) if card >= 0 else []
        name = f'aria-label="{", ".join([escape(title), *headings[-1:]])}: table {number}"'
        if caption:
            name = f'{name} aria-describedby="{anchor}"' if headings else f'aria-labelledby="{anchor}"'
        above = f'<p class="caption" id="{anchor}">{caption}</p>' if caption else ""
        return f'{above}<div class="scroll" tabindex="0" role="region" {name}>{found["table"]}'

    html = TABLE.sub(region, html).replace("</table>", "</table></div>").replace("<th></th>", "<td></td>")
    return _scoped(_scoped(html, "thead", "col"), "tbody", "row")


def _scoped(html: str, part: str, scope: str) -> str:
    """Return HTML in which the header cells of one part of each table name their rows or columns."""
    pattern = re.compile(rf"<{part}>.*?</{part}>", re.DOTALL)
    return pattern.sub(lambda found: re.sub(r"<th(?=[ >])", f'<th scope="{scope}"', found[0]), html)
