"""Words of messages and reports."""

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as `1 patient` or `1,864 cycles`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return the first names of many, and the number of the others."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
