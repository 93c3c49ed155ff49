"""Texts of figures and selections in reports, leaderboards and cards."""

from collections.abc import Mapping

MISSING = "–"
SELECTIONS = {
    "val": "epoch chosen on validation patients",
    "paper": "epoch chosen on the test set, as in publications: too high for new patients",
}


def figure(value: float | None, digits: int = 1) -> str:
    """Return a figure as text, or a dash if it is undefined."""
    return MISSING if value is None else f"{value:.{digits}f}"


def spread(mean: float | None, sd: float | None, digits: int = 1) -> str:
    """Return a figure over seeds as text: its mean and, if there are several seeds, its standard deviation."""
    return figure(mean, digits) + ("" if sd is None else f" ± {sd:.{digits}f}")


def signed(value: float | None) -> str:
    """Return a difference as text, with its sign."""
    return MISSING if value is None else f"{value:+.1f}".replace("-", "−")


def limits(found: Mapping[str, float | None]) -> str:
    """Return the intervals of a difference in brackets, each kind by its name; empty if none is defined.

    Args:
        found: Limits `low` and `high` over patients; with several seeds also `low_seeds` and `high_seeds`.
    """
    kinds = {"": "networks fixed", "_seeds": "patients and seeds"}
    pairs = {name: (found.get(f"low{suffix}"), found.get(f"high{suffix}")) for suffix, name in kinds.items()}
    known = [f"{name}: {signed(low)} to {signed(high)}" for name, (low, high) in pairs.items() if low is not None]
    return f" ({'; '.join(known)})" if known else ""


def interval(low: float | None, high: float | None, to: str = "–") -> str:
    """Return an interval as text, or a dash if it is undefined."""
    return MISSING if low is None or high is None else f"{low:.1f}{to}{high:.1f}"
