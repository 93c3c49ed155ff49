"""Tables of Markdown, rendered as on GitHub and in Prefect's UI."""

import re
from html import unescape

from markdown_it import MarkdownIt


def cells(markdown):
    """Return the rows of the tables, the header first, without markup."""
    page = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown)
    rows = re.findall(r"<tr>(.*?)</tr>", page, flags=re.DOTALL)
    return [[_plain(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


def _plain(cell):
    return unescape(re.sub("<[^>]*>", "", cell.replace("<br>", "\n"))).replace("\N{NO-BREAK SPACE}", " ")
