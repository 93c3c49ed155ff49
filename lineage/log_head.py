"""Head of the event log: number and hash of its last entry, in a file of its own."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lineage.log_lines import line_of
from tasks.runtime.files import replacing

START = "0" * 64  # hash before the first entry


@dataclass(frozen=True)
class HeadFault:
    """Difference between a log and its head, which may hide entries that were removed."""

    kind: Literal["missing", "unreadable", "ahead", "behind", "other"]
    said: int | None  # number of entries that the head names

    def describe(self, number: int) -> str:
        """Return the fault of a log of so many entries, in words."""
        return {
            "missing": "the head of the log is missing, so its last entry is unknown",
            "unreadable": "the log's head cannot be read",
            "ahead": f"the log ends after {number} entries, its head knows {self.said}: its end was cut off",
            "behind": f"the log has {number} entries, its head knows {self.said}",
            "other": "the log's last entry is not the one that its head names",
        }[self.kind]


def write(path: Path, number: int, digest: str) -> None:
    """Write the head of a log, whole or not at all."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(line_of({"number": number, "hash": digest}) + "\n")
        file.flush()
        os.fsync(file.fileno())


def compare(path: Path, last: Mapping[str, Any] | None) -> HeadFault | None:
    """Compare the head with the last complete entry of the log; return None if they agree.

    A crash between the writing of an entry and of the head leaves a head that names the entry before.

    Args:
        path: File of the head.
        last: Last complete entry; None if there is none.
    """
    number, digest, before = (last["number"], last["hash"], last["before"]) if last else (0, START, None)
    if not path.exists():
        return HeadFault("missing", None) if number else None
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
        said, named = int(head["number"]), str(head["hash"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return HeadFault("unreadable", None)
    if said > number:
        return HeadFault("ahead", said)
    if said < number - 1:
        return HeadFault("behind", said)
    return None if named == (digest if said == number else before) else HeadFault("other", said)
