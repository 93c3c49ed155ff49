"""Rounding of figures for ``reports/metrics.json``."""

import math
from typing import Any


def rounded(value: Any, digits: int = 2) -> float | None:
    """Return a rounded figure, or None for NaN; a zero has no sign.

    Args:
        value: The figure.
        digits: Number of decimals.
    """
    return None if math.isnan(value) else round(float(value), digits) + 0.0
