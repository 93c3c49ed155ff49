"""Append-only event log: each entry carries the hash of the entry before.

The log is ``.lineage/events.jsonl``, with one JSON object on each line. The hash of an entry is that of its line
without the hash. The predecessor of the first entry is 64 zeros. `head.json` repeats number and hash of the last entry,
which reveals a log whose end was cut off.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lineage import log_head, log_lines, log_repair
from lineage.log_head import START
from lineage.log_lines import LogError, hash_of, line_of
from tasks.runtime.disk_errors import disk_errors
from tasks.runtime.errors import BreathlineError

LOG = Path(".lineage/events.jsonl")
HEAD = Path(".lineage/head.json")
LOCK_TIMEOUT_S = 120.0  # an entry takes milliseconds


@dataclass(frozen=True)
class Fault:
    """Fault of the log, or a fact about it."""

    number: int  # number of the entry, from 1; one past the last entry where the end of the log is missing
    what: str  # description of the fault


def append(root: Path, event: Mapping[str, Any]) -> str:
    """Append an entry and return its hash; a lock serialises the processes that append.

    The line is on the disk before the head names it. After a crash in between, the log is one entry ahead of its head.
    What a crash has torn is repaired first (`log_repair`).

    Raises:
        LogError: The last complete line is not an entry.
        BreathlineError: Another process holds the lock for too long.
        DiskError: The disk refuses the entry.
    """
    log, head = root / LOG, root / HEAD
    lock = FileLock(log.with_suffix(".lock"))
    with disk_errors(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            held = lock.acquire(timeout=LOCK_TIMEOUT_S)
        except Timeout as error:
            raise BreathlineError(
                f"Another process has held the lock of the event log for {LOCK_TIMEOUT_S:.0f} s.",
                where=lock.lock_file,
                hint="look for a stopped process of this project (`ps -o pid,stat,cmd -e`), and end or continue it",
            ) from error
        with held:
            repair = log_repair.prepare(log, head, log_lines.tail_of(log))
            if repair is not None:
                _append(log, head, {**repair, "at": now()})
            return _append(log, head, event)


def _append(log: Path, head: Path, event: Mapping[str, Any]) -> str:
    """Write an entry behind the last complete one, in place of a torn line, and the head."""
    tail = log_lines.tail_of(log)
    number, before = (tail.last["number"], tail.last["hash"]) if tail.last else (0, START)
    entry = {"number": number + 1, "before": before, **event}
    digest = hash_of(entry)
    line = line_of({**entry, "hash": digest}) + "\n"
    _write(log, ("\n" if tail.unterminated else "") + line, at=tail.end)
    log_head.write(head, number + 1, digest)
    return digest


def _write(log: Path, text: str, *, at: int) -> None:
    """Write text to the end of a log from a position on, or, where the disk is full, nothing."""
    with log.open("r+b" if log.exists() else "wb") as file:
        file.seek(at)
        try:
            file.write(text.encode())
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            os.truncate(log, at)
            raise


def read(root: Path) -> list[dict[str, Any]]:
    """Return all entries, oldest first; none if there is no log. A torn last line is no entry.

    Raises:
        LogError: A complete line is not a JSON object; `check` names it.
    """
    return [entry for _, _, entry in log_lines.entries(root / LOG)]


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
    number, last = 0, None
    try:
        for number, line, entry in log_lines.entries(root / LOG):
            if entry.get("hash") != hash_of(entry) or line != line_of(entry):
                faults.append(Fault(number, "the entry does not have its hash: it was changed"))
            if entry.get("before") != (last["hash"] if last else START) or entry.get("number") != number:
                what = "it does not follow the one before: entries are missing or moved, or that one was changed"
                faults.append(Fault(number, what))
            if (told := log_repair.describe(entry)) and told[1]:
                faults.append(Fault(number, told[0]))
            last = {"number": number, "before": entry.get("before"), "hash": str(entry.get("hash"))}
    except ValueError as error:
        return [*faults, Fault(number + 1, f"the line cannot be read: {str(error).splitlines()[0]}")]
    fault = log_head.compare(root / HEAD, last)
    if fault is not None:
        torn = "the line cannot be read: it is torn; " if fault.kind == "ahead" and _torn_bytes(root) else ""
        at = number if fault.kind == "other" else number + 1 if fault.said is None else min(number, fault.said) + 1
        faults.append(Fault(at, torn + fault.describe(number)))
    return faults


def notes(root: Path) -> list[Fault]:
    """Return facts about the log that contradict nothing: torn lines of processes that ended early, and repairs."""
    found, number = [], 0
    try:
        for number, _, entry in log_lines.entries(root / LOG):
            if (told := log_repair.describe(entry)) and not told[1]:
                found.append(Fault(number, told[0]))
        if torn := _torn_bytes(root):
            what = f"the last line is torn ({torn} bytes): a process ended early; the next stage moves it aside"
            found.append(Fault(number + 1, what))
    except LogError:
        return found  # a fault of `check`
    return found


def _torn_bytes(root: Path) -> int:
    """Return the size of a torn last line in bytes."""
    return len(log_lines.tail_of(root / LOG).torn)
