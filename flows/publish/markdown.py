"""Markdown for Prefect's UI: tables, and text in which markup characters are escaped."""

import re
from collections.abc import Iterable, Sequence


def text(words: object) -> str:
    """Return a text on one line, with markup characters escaped."""
    return re.sub(r"([\\`*_\[\]<>|~&#])", r"\\\1", " ".join(str(words).split()))


def code(name: object) -> str:
    """Return a name, such as a stage, a path or a column, as code.

    A vertical bar is replaced: it would end the cell of a table, even within code.
    """
    return f"`{str(name).replace('`', chr(39)).replace('|', '¦')}`"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Return a table of cells in Markdown; `right` has the indices of the columns that are aligned to the right."""
    numbers = set(right)
    ruler = ["---:" if column in numbers else "---" for column in range(len(header))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ruler, *rows])


def unbroken(words: str) -> str:
    """Return words that a narrow column does not break into lines."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def lines(cells: Sequence[str], most: int) -> str:
    """Return the first entries as lines of one cell, and the number of further ones."""
    more = len(cells) - most
    return "<br>".join([*cells[:most], *([f"and {more} more"] if more > 0 else [])])
