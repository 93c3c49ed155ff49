"""Words of messages and reports."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as `1 patient` or `1,864 cycles`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
