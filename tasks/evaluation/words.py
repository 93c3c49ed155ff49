"""Texts of figures and selections in reports, leaderboards and cards."""

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


def interval(low: float | None, high: float | None, to: str = "–") -> str:
    """Return an interval as text, or a dash if it is undefined."""
    return MISSING if low is None or high is None else f"{low:.1f}{to}{high:.1f}"
