"""The little Markdown that Prefect's UI shows: tables, and words of others that must not turn into markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def text(words: object) -> str:
    """Return words that a renderer shows as they are, on one line."""
    return re.sub(r"([\\`*_\[\]<>|~&#])", r"\\\1", " ".join(str(words).split()))


def code(name: object) -> str:
    """Return a name of the project's own, such as a stage, a path or a column, as code.

    A bar would end the cell of a table, in code, too.
    """
    return f"`{str(name).replace('`', chr(39)).replace('|', '¦')}`"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Return a table of cells that are Markdown already.

    Args:
        header: What stands above the columns.
        rows: The cells.
        right: Columns of numbers, counted from 0.
    """
    numbers = set(right)
    ruler = ["---:" if column in numbers else "---" for column in range(len(header))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ruler, *rows])


def whole(words: str) -> str:
    """Return words that a narrow column does not break."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def lines(cells: Sequence[str], most: int) -> str:
    """Return the first few of several words as lines of one cell, and how many more there are."""
    more = len(cells) - most
    return "<br>".join([*cells[:most], *([f"and {more} more"] if more > 0 else [])])
