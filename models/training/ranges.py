"""What settings may be."""

from __future__ import annotations


def require(**conditions: bool) -> None:
    """Refuse values that make no sense, such as NaN or a negative number of epochs."""
    wrong = [name for name, holds in conditions.items() if not holds]
    if wrong:
        raise ValueError(f"out of range: {', '.join(wrong)}")
