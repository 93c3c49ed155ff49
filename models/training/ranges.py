"""Range checks for numeric settings."""


def require(**conditions: bool) -> None:
    """Check the range of settings; NaN fulfils no condition.

    Raises:
        ValueError: A condition is false; the error lists the settings.
    """
    wrong = [name for name, holds in conditions.items() if not holds]
    if wrong:
        raise ValueError(f"out of range: {', '.join(wrong)}")
