"""Values of log entries in the types that readers expect, also in a log that was altered."""

import math
from collections.abc import Mapping
from typing import Any

# Keys of an entry whose values are texts; the value of `start` is the hash of the entry that began the run.
TEXTS = (
    "event",
    "stage",
    "at",
    "start",
    "status",
    "record",
    "user",
    "host",
    "started_by",
    "experiment",
    "error",
    "error_text",
)


def typed(line: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry whose known keys have values of their types.

    A text key with another value gets its text. Another key with a value of a wrong type is left out.

    Args:
        line: Number of the entry's line, which replaces a number that is none.
        entry: Entry of an event log.
    """
    found: dict[str, Any] = {key: str(entry[key]) for key in (*TEXTS, "hash") if entry.get(key) is not None}
    number, seconds = entry.get("number"), entry.get("seconds")
    found["number"] = number if type(number) is int else line
    if isinstance(seconds, int | float) and math.isfinite(seconds):
        found["seconds"] = float(seconds)
    if isinstance(evaluated := entry.get("evaluated"), dict):
        texts = {key: value for key, value in evaluated.items() if isinstance(value, str)}
        lists = {key: [str(one) for one in value] for key, value in evaluated.items() if isinstance(value, list)}
        found["evaluated"] = texts | lists
    if isinstance(adopted := entry.get("adopted"), dict) and isinstance(adopted.get("hash"), str):
        found["adopted"] = {"hash": adopted["hash"]}
    return found
