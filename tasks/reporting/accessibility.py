"""Attributes of tables for keyboards and screen readers, added to the HTML of all sections alike."""

import re
from html import escape

CAPTIONED = re.compile(r"(?P<table><table\b[^>]*>)\s*<caption>(?P<caption>.*?)</caption>", re.DOTALL)


def with_roles(html: str, title: str) -> str:
    """Return HTML in which tables can be scrolled by keyboard and their headers name rows or columns.

    A caption becomes a paragraph above its table, where it does not scroll with the columns.

    Args:
        html: HTML of one section, with ``<thead>`` and ``<tbody>`` in its tables.
        title: Title of the section, the name of its tables for screen readers.
    """
    region = f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}: table">'
    html = CAPTIONED.sub(lambda found: f'<p class="caption">{found["caption"]}</p>{region}{found["table"]}', html)
    html = re.sub(rf"(?<!{re.escape(region)})<table\b", f"{region}<table", html).replace("</table>", "</table></div>")
    return _scoped(_scoped(html, "thead", "col"), "tbody", "row")


def _scoped(html: str, part: str, scope: str) -> str:
    """Return HTML in which the header cells of one part of each table name their rows or columns."""
    pattern = re.compile(rf"<{part}>.*?</{part}>", re.DOTALL)
    return pattern.sub(lambda found: re.sub(r"<th(?=[ >])", f'<th scope="{scope}"', found[0]), html)
