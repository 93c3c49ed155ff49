"""Lines of the event log: complete entries, and a last line that is torn."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from tasks.runtime.errors import BreathlineError

Entry = dict[str, Any]
BLOCK_BYTES = 1 << 16
ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
HINT = "`breathline audit verify` describes the fault; move `.lineage` away to begin a new log"


class LogError(BreathlineError, ValueError):
    """A complete line of the log is not an entry."""


@dataclass(frozen=True)
class Tail:
    """End of a log."""

    last: Entry | None  # last complete entry; None if there is none
    end: int  # position behind it in bytes
    torn: bytes  # rest of the file: the beginning of a line that was never completed
    unterminated: bool  # whether the last entry is whole but for its line break


def line_of(value: Mapping[str, Any]) -> str:
    """Return a mapping as a line of JSON with sorted keys, without the line break."""
    return ENCODER.encode(value)


def hash_of(entry: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the line of an entry, which leaves out the hash itself and its signature."""
    bare = {key: value for key, value in entry.items() if key not in ("hash", "signature")}
    return hashlib.sha256(line_of(bare).encode()).hexdigest()


def is_intact(line: str, entry: Entry) -> bool:
    """Return whether a line is the one that was written for its entry, which holds its own hash."""
    digest = entry.get("hash")
    if not isinstance(digest, str) or line != line_of(entry):
        return False
    own = f'"hash":"{digest}",'  # a later key follows, because each entry has a number
    if line.count('"hash":"') == 1 and "signature" not in entry:
        return hashlib.sha256(line.replace(own, "").encode()).hexdigest() == digest
    return hash_of(entry) == digest


def number_of(entry: Mapping[str, Any]) -> int:
    """Return the number of an entry; 0 if it states none, or one of another type."""
    number = entry.get("number")
    return number if type(number) is int else 0


def entries(log: Path) -> Iterator[tuple[int, str, Entry]]:
    """Yield number, line and entry of each complete line; none if there is no log.

    Raises:
        LogError: A complete line is not a JSON object.
    """
    if not log.exists():
        return
    with log.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n") and not _is_entry(line):
                return
            entry = _parsed(line)
            if entry is None:
                raise _error(log, f"line {number}")
            yield number, line.decode().removesuffix("\n"), entry


def entries_in(text: str) -> list[Entry]:
    """Return the entries of the text of a log, without a torn last line.

    Raises:
        LogError: A complete line is not a JSON object.
    """
    found = []
    for number, line in enumerate(BytesIO(text.encode()), 1):
        if not line.endswith(b"\n") and not _is_entry(line):
            break
        entry = _parsed(line)
        if entry is None:
            raise _error("the event log of another machine or workspace", f"line {number}")
        found.append(entry)
    return found


def tail_of(log: Path) -> Tail:
    """Return the end of a log, without reading the entries before.

    Raises:
        LogError: The last complete line is not an entry with number and hashes.
    """
    end, size = _last_bytes(log)
    lines = BytesIO(end).readlines()
    torn = b""
    if lines and not lines[-1].endswith(b"\n") and not _is_entry(lines[-1]):
        torn = lines.pop()
    if not lines:
        return Tail(None, size - len(torn), torn, unterminated=False)
    last = _parsed(lines[-1])
    if last is None or number_of(last) < 1 or not all(isinstance(last.get(key), str) for key in ("hash", "before")):
        raise _error(log, "the last line")
    return Tail(last, size - len(torn), torn, unterminated=not lines[-1].endswith(b"\n"))


def _last_bytes(log: Path) -> tuple[bytes, int]:
    """Return the end of a file that holds its last complete line and what follows it, and the size of the file."""
    if not log.exists():
        return b"", 0
    with log.open("rb") as file:
        start = size = file.seek(0, os.SEEK_END)
        found = b""
        # Two line breaks before the last byte: the last complete line begins after the first of them.
        while start and found[:-1].count(b"\n") < 2:
            block = min(BLOCK_BYTES, start)
            start -= block
            file.seek(start)
            found = file.read(block) + found
    return (found if not start else found[found.index(b"\n") + 1 :]), size


def _is_entry(line: bytes) -> bool:
    """Return whether a line without its line break is a whole entry."""
    entry = _parsed(line)
    return entry is not None and entry.get("hash") == hash_of(entry)


def _parsed(line: bytes) -> Entry | None:
    """Return the JSON object of a line, or None if the line holds no object."""
    try:
        entry = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _error(where: object, which: str) -> LogError:
    return LogError(f"The event log cannot be read: {which} is not an entry.", where=where, hint=HINT)
