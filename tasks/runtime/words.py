"""Wording of numbers and lists in messages and reports."""

from collections.abc import Sequence


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, such as `1 patient` or `1,864 cycles`; the plural has an s, if none is given."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def listed(names: Sequence[str], limit: int = 5) -> str:
    """Return the first `limit` names, separated by commas, and the number of the others."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def shortened(value: object, limit: int) -> str:
    """Return the value of a setting as text of at most `limit` characters."""
    text = "null" if value is None else str(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def quoted(text: str, limit: int = 60) -> str:
    """Return a text from a file for a message: between backticks, at most `limit` characters, none that controls."""
    return f"`{printable(text, limit)}`"


def printable(text: str, limit: int = 60) -> str:
    """Return a text from a file with at most `limit` characters, none of which controls a terminal."""
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text[:limit])
    return f"{shown}{'…' if len(text) > limit else ''}"
