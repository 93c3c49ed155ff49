"""Numbers, times and flags as people write them in tables."""

import re
from collections.abc import Iterable

UNKNOWN = frozenset({"", "na", "n/a", "nan", "none", "null", "unknown", "-", "?", "."})
YES, NO = frozenset({"1", "yes", "y", "true", "x", "present"}), frozenset({"0", "no", "n", "false", "absent", ""})
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_POINT = re.compile(r"[+-]?[0-9]*\.[0-9]+.*")
_CLOCK = re.compile(r"(?:([0-9]{1,2}):)?([0-9]{1,3}):([0-9]{1,2}(?:\.[0-9]+)?)")
MAX = 1e9  # eleven days in milliseconds
MAX_DIGITS = 40


def is_unknown(cell: str) -> bool:
    """Return whether a cell says that its value is not known."""
    return cell.casefold() in UNKNOWN


def has_decimal_comma(cells: Iterable[str]) -> bool:
    """Return whether numbers have a comma before their decimals: some have a comma, and none has a point."""
    seen = set(cells)
    return any(_COMMA.fullmatch(cell) for cell in seen) and not any(_POINT.fullmatch(cell) for cell in seen)


def number(cell: str, *, comma: bool = False) -> float | None:
    """Return the number in a cell, or None if it holds no number up to `MAX`.

    Args:
        cell: Text of the cell; a time may be written as ``1:02.5`` or ``0:01:02.5``.
        comma: Whether a comma is before the decimals.
    """
    text = cell.replace(",", ".") if comma else cell
    if len(text) > MAX_DIGITS:
        return None
    if clock := _CLOCK.fullmatch(text):
        return 3600 * int(clock[1] or 0) + 60 * int(clock[2]) + float(clock[3])
    if _NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if abs(value) <= MAX else None


def flag(cell: str) -> bool | None:
    """Return whether a flag is set, or None if the cell holds no flag."""
    folded = cell.casefold()
    return True if folded in YES else False if folded in NO else None
