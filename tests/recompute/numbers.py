"""Numbers in texts of the report, compared with values to their last decimal."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

NUMBER = re.compile(r"[+−-]?\d[\d,]*(?:\.\d+)?(?:[eE][+−-]?\d+)?")
LEAST = "0.001"  # p-value below which none is shown
ROUNDING = 0.56  # of the last decimal: figures are rounded twice, at first to FIRST
FIRST = 0.006  # largest error of the first rounding: percentages have two decimals in metrics.json


class Spread(list):
    """A mean and its standard deviation, which the page joins by ±."""


class Text(NamedTuple):
    """One text of a figure.

    Attributes:
        pattern: Regular expression of the whole text, with a group for each number that is compared.
        values: Values of these numbers.
        line: Index of the line or mark that the text names in a legend; None for a text outside of legends.
    """

    pattern: str
    values: Sequence[float] = ()
    line: int | None = None


def exact(name: str, line: int | None = None) -> Text:
    """Return a text without numbers to compare, such as a name."""
    return Text(re.escape(name), (), line)


def numbers(text: str) -> list[float]:
    """Return the numbers of a text."""
    return [_float(one) for one in NUMBER.findall(text)]


def _float(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def differs(text: str, values: Sequence[float]) -> bool:
    """Return whether the numbers of a text are not these values, rounded to as many decimals; NaN is not shown.

    A value with a `margin` (`limits.Drawn`) may differ by it.
    """
    shown, expected = NUMBER.findall(text), [value for value in values if not np.isnan(value)]
    if len(shown) != len(expected):
        return True
    for one, value in zip(shown, expected, strict=True):
        digits, _, power = one.lower().partition("e")
        last = 10.0 ** (int(_float(power or "0")) - len(digits.partition(".")[2]))
        tolerance = min(ROUNDING * last, last / 2 + FIRST)
        tolerance += getattr(value, "margin", 0.0)
        below = one == LEAST and f"< {one}" in text and value - tolerance < _float(one)
        if not below and abs(_float(one) - value) > tolerance:
            return True
    return False
