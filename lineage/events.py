"""Append-only event log: each entry carries the hash of the entry before.

The log is ``.lineage/events.jsonl``, with one JSON object on each line. The hash of an entry is that of its line
without the hash. The predecessor of the first entry is 64 zeros. `head.json` repeats number and hash of the last entry,
which reveals a log whose end was cut off.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from tasks.runtime.disk_errors import disk_errors
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import replacing

LOG = Path(".lineage/events.jsonl")
HEAD = Path(".lineage/head.json")
START = "0" * 64


class LogError(BreathlineError, ValueError):
    """A line of the log is not an entry."""


@dataclass(frozen=True)
class Fault:
    """Fault of the log."""

    number: int  # number of the entry, from 1; one past the last entry where the end of the log is missing
    what: str  # description of the fault


def append(root: Path, event: Mapping[str, Any]) -> str:
    """Append an entry and return its hash; a lock serialises the processes that append.

    The line is on the disk before the head names it. After a crash in between, the log is one entry ahead of its head.
    """
    log = root / LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(log), FileLock(log.with_suffix(".lock")):
        number, before = _last(log)
        entry = {"number": number + 1, "before": before, **event}
        digest = hash_of(entry)
        _write(log, _line({**entry, "hash": digest}) + "\n")
        with replacing(root / HEAD) as temporary:
            temporary.write_text(_line({"number": number + 1, "hash": digest}) + "\n", encoding="utf-8")
    return digest


def _write(log: Path, line: str) -> None:
    """Append a complete line, or, where the disk is full, nothing."""
    with log.open("ab") as file:
        size = file.tell()
        try:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            os.truncate(log, size)
            raise


def read(root: Path) -> list[dict[str, Any]]:
    """Return all entries, oldest first; none if there is no log.

    Raises:
        LogError: A line is not a JSON object; `check` names it.
    """
    return [entry for _, _, entry in _entries(root / LOG)]


def read_or_empty(root: Path) -> list[dict[str, Any]]:
    """Return all entries, or none if the log is missing or cannot be read, which `check` reports."""
    try:
        return read(root)
    except ValueError:
        return []


def is_success(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry is the end of a successful run."""
    return entry.get("event") == "end" and entry.get("status") == "done"


def start_of(log: Iterable[dict[str, Any]], end: Mapping[str, Any]) -> dict[str, Any]:
    """Return the start of the run that an entry ends; empty if the log does not have it."""
    return next((entry for entry in log if entry.get("hash") == end.get("start")), {})


def now() -> str:
    """Return the current time for an entry, in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def check(root: Path) -> list[Fault]:
    """Return the faults of the log: entries that were changed, removed, reordered, or cut off at the end."""
    faults: list[Fault] = []
    number, before = 0, START
    try:
        for number, line, entry in _entries(root / LOG):
            hashed = hash_of({key: value for key, value in entry.items() if key != "hash"})
            if entry.get("hash") != hashed or line != _line(entry):
                faults.append(Fault(number, "the entry does not have its hash: it was changed"))
            if entry.get("before") != before or entry.get("number") != number:
                what = "it does not follow the one before: entries are missing or moved, or that one was changed"
                faults.append(Fault(number, what))
            before = str(entry.get("hash"))
    except ValueError as error:
        return [*faults, Fault(number + 1, f"the line cannot be read: {str(error).splitlines()[0]}")]
    return [*faults, *_end(root / HEAD, number, before)]


def _end(path: Path, number: int, before: str) -> Iterator[Fault]:
    if not path.exists():
        if number:
            yield Fault(number + 1, "the head of the log is missing, so its last entry is unknown")
        return
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
        said, digest = int(head["number"]), str(head["hash"])
    except (ValueError, KeyError, TypeError):
        yield Fault(number + 1, "the log's head cannot be read")
        return
    if said > number:
        yield Fault(number + 1, f"the log ends after {number} entries, its head knows {said}: its end was cut off")
    elif said == number and digest != before:
        yield Fault(number, "the log's last entry is not the one that its head names")
    elif said < number - 1:
        yield Fault(said + 1, f"the log has {number} entries, its head knows {said}")


def hash_of(entry: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an entry without its hash, as JSON with sorted keys."""
    return hashlib.sha256(_line(entry).encode()).hexdigest()


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _entries(log: Path) -> Iterator[tuple[int, str, dict[str, Any]]]:
    if not log.exists():
        return
    with log.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            yield number, line.rstrip("\n"), _parsed(line, log, number)


def _last(log: Path) -> tuple[int, str]:
    """Return number and hash of the last entry, without reading the entries before."""
    if not log.exists() or not log.stat().st_size:
        return 0, START
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - (1 << 20)))
        last = _parsed(file.read().splitlines()[-1], log, None)
    return int(last["number"]), str(last["hash"])


def _parsed(line: str | bytes, log: Path, number: int | None) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        entry = str(error)
    if not isinstance(entry, dict):
        which = f"line {number}" if number else "the last line"
        hint = "`breathline audit verify` describes the fault; move `.lineage` away to begin a new log"
        raise LogError(f"The event log cannot be read: {which} is not a JSON object.", where=log, hint=hint)
    return entry
