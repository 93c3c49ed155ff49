"""Periods of a log of use: since a time, the last days, and each day, week or month apart."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from tasks.monitoring.settings import By
from tasks.prediction.use_entries import Entry
from tasks.runtime.errors import BreathlineError

WHOLE = "all"  # name of the only period, where none is asked for
UNITS = {"h": "hours", "d": "days", "w": "weeks"}
Timed = tuple[datetime, Entry]


def start(since: str | None, last: str | None, now: datetime) -> datetime | None:
    """Return the time at which the wanted entries begin; None for all.

    Args:
        since: Date or time (ISO 8601); one without a zone is in UTC.
        last: Number with a unit, such as `12h`, `7d` or `4w`.
        now: Current time in UTC.

    Raises:
        BreathlineError: A text is no time, or both are given.
    """
    if since is not None and last is not None:
        raise BreathlineError("Two periods are given.", where="--since, --last", hint="give one of both")
    if last is not None:
        match = re.fullmatch(r"(\d{1,5})([hdw])", last.strip())
        if match is None:
            hint = "a number of hours, days or weeks: 12h, 7d, 4w"
            raise BreathlineError(f"`{last}` is no period.", where="--last", hint=hint)
        return now - timedelta(**{UNITS[match[2]]: int(match[1])})
    if since is None:
        return None
    try:
        found = datetime.fromisoformat(since)
    except ValueError as error:
        hint = "a date such as 2026-11-01, or a time such as 2026-11-01T08:00"
        raise BreathlineError(f"`{since}` is no date.", where="--since", hint=hint) from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def split(entries: Sequence[Timed], by: By | None) -> list[tuple[str, list[Entry]]]:
    """Return the entries of each day, week or month with its name, oldest first; one period without `by`.

    Args:
        entries: Entries with their times in UTC, oldest first.
        by: Length of the periods.
    """
    if by is None:
        return [(WHOLE, [entry for _, entry in entries])]
    grouped = groupby(entries, key=lambda pair: _name(pair[0], by))
    return [(name, [entry for _, entry in part]) for name, part in grouped]


def _name(time: datetime, by: By) -> str:
    """Return the name of the period of a time: 2026-11-28, 2026-W48 or 2026-11."""
    if by == "week":
        year, week, _ = time.isocalendar()
        return f"{year}-W{week:02}"
    return time.strftime("%Y-%m-%d" if by == "day" else "%Y-%m")
