"""Annotation files of SPRSound: JSON with the respiratory events of a recording, and a label of the whole recording."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.corpora.sprsound.labels import EVENTS, RECORDS
from tasks.corpora.text_files import read_text
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import quoted

RECORD_KEYS = ("record_annotation", "recording_annotation")  # of the files, and of the publisher's README
EVENT_KEY = "event_annotation"
MAX_MS = 1e9  # eleven days; no recording is as long
_TIME = re.compile(r"[+-]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})")


@dataclass(frozen=True, kw_only=True, order=True)
class Event:
    """Respiratory event: start and end in seconds, and its type."""

    start_s: float
    end_s: float
    type: str


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """Label of a recording, and its events by start.

    Attributes:
        record: Label of the recording, a key of `RECORDS`; None if the file has none, as in the releases from 2024.
        events: Events by start, then by end.
    """

    record: str | None
    events: tuple[Event, ...]


def read(path: Path) -> Annotation:
    """Return the annotation of one recording.

    Raises:
        BreathlineError: The file is not JSON of SPRSound's form; file, and line or key, are named.
    """
    content = _parse(path)
    if not isinstance(content, dict):
        raise _error(path, "The annotation is not a JSON object")
    if EVENT_KEY not in content:
        raise _error(path, f"The annotation has no `{EVENT_KEY}`")
    listed = content[EVENT_KEY]
    if not isinstance(listed, list):
        raise _error(path, f"{_shown(listed)} is not a list of events", EVENT_KEY)
    events = [_event(path, event, f"{EVENT_KEY}[{index}]") for index, event in enumerate(listed)]
    return Annotation(record=_record(path, content), events=tuple(sorted(events)))


def _parse(path: Path) -> Any:
    """Return the content of a JSON file."""
    try:
        return json.loads(read_text(path), object_pairs_hook=_unique, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise _error(f"{path}:{error.lineno}", f"This is not JSON ({error.msg})") from error
    except (ValueError, RecursionError) as error:
        raise _error(path, f"This is not JSON of an annotation ({quoted(str(error))})") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; a key that is given twice is an error."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _refuse(constant: str) -> None:
    """Refuse a number that JSON does not have, such as NaN."""
    raise ValueError(f"{constant} is no number of JSON")


def _record(path: Path, content: dict[str, Any]) -> str | None:
    """Return the label of the recording, or None if there is none."""
    given = {key: content[key] for key in RECORD_KEYS if key in content}
    for key, value in given.items():
        if not isinstance(value, str) or value.strip() not in RECORDS:
            raise _error(path, f"{_shown(value)} is no label of a recording ({', '.join(RECORDS)})", key)
    labels = sorted({value.strip() for value in given.values()})
    if len(labels) > 1:
        raise _error(path, f"The keys {' and '.join(given)} disagree ({', '.join(labels)})")
    return labels[0] if labels else None


def _event(path: Path, event: Any, key: str) -> Event:
    """Return an event of the list."""
    if not isinstance(event, dict):
        raise _error(path, f"{_shown(event)} is not an event", key)
    missing = [name for name in ("start", "end", "type") if name not in event]
    if missing:
        raise _error(path, f"The event has no {', '.join(missing)}", key)
    kind = event["type"]
    if not isinstance(kind, str) or kind.strip() not in EVENTS:
        raise _error(path, f"{_shown(kind)} is no type of event ({', '.join(EVENTS)})", f"{key}.type")
    start, end = (_seconds(path, event[name], f"{key}.{name}") for name in ("start", "end"))
    return Event(start_s=start, end_s=end, type=kind.strip())


def _seconds(path: Path, value: Any, key: str) -> float:
    """Return a time in seconds from milliseconds, which are a number or a text."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_text = isinstance(value, str) and _TIME.fullmatch(value.strip()) is not None
    number = float(value) if is_text else value
    if not (is_number or is_text) or abs(number) > MAX_MS:
        raise _error(path, f"{_shown(value)} is not a time in milliseconds", key)
    return float(number) / 1000


def _shown(value: Any) -> str:
    """Return a value of the file, quoted and cut for a message."""
    return quoted(value if isinstance(value, str) else json.dumps(value)[:200])


def _error(path: Path | str, what: str, place: str | None = None) -> BreathlineError:
    """Return the error about a file, and a place in it."""
    where = f"{path}: {place}" if place else path
    return BreathlineError(f"{what}.", where=where, hint="correct the annotation, or get the published file again")
