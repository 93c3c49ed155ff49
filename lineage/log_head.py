"""Head of the event log: number and hash of its last entry, in a file of its own, signed if that entry is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lineage.log_lines import line_of
from tasks.runtime.files import replacing

if TYPE_CHECKING:
    from lineage.log_signature import Signer

SIZE = 256  # bytes of the file
START = "0" * 64  # hash before the first entry


@dataclass(frozen=True)
class HeadFault:
    """Difference between a log and its head, which may hide entries that were removed."""

    kind: Literal["missing", "unreadable", "ahead", "other", "unsigned"]
    said: int | None  # number of entries that the head names

    def describe(self, number: int) -> str:
        """Return the fault of a log of so many entries, in words."""
        return {
            "missing": "the head of the log is missing, so its last entry is unknown",
            "unreadable": "the log's head cannot be read",
            "ahead": f"the log ends after {number} entries, its head knows {self.said}: its end was cut off",
            "other": f"entry {self.said} of the log is not the one that its head names",
            "unsigned": "the log is signed, and its head is not: entries may have been cut off from its end",
        }[self.kind]


def write(path: Path, number: int, digest: str, signer: Signer | None = None) -> None:
    """Write the head of a log in place: its size is fixed, so that also a full disk takes it.

    A first head is written to a file of its own before it gets its name, whole or not at all.

    Args:
        path: File of the head.
        number: Number of the last entry.
        digest: Its hash.
        signer: Key that signs the head; None for no signature.
    """
    signed = {"key": signer.id, "signature": signer.sign_head(number, digest)} if signer else {}
    text = line_of({"number": number, "hash": digest, **signed}).ljust(SIZE - 1) + "\n"
    if path.exists() and path.stat().st_size == SIZE:
        with path.open("r+b", buffering=0) as file:
            file.write(text.encode())
        return
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())


def read(path: Path) -> str | None:
    """Return the text of a head; None without one."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def parsed(head: str) -> dict[str, Any]:
    """Return the content of a head; empty if it cannot be read."""
    try:
        given = json.loads(head)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def compare(
    head: str | None, last: Mapping[str, Any] | None, hashes: Callable[[], Mapping[object, object]]
) -> HeadFault | None:
    """Compare the head with the last complete entry of the log; return None if they agree.

    A crash between the writing of an entry and of the head leaves a head that names an earlier entry of the log. So
    does a power failure, because the head is not flushed to the disk.

    Args:
        head: Text of the head, read before the entries: a stage may append in between.
        last: Last complete entry; None if there is none.
        hashes: Function that returns the hash of each entry by its number; called for an earlier entry only.
    """
    number, digest = (last["number"], last["hash"]) if last else (0, START)
    if head is None:
        return HeadFault("missing", None) if number else None
    given = parsed(head)
    named, named_hash = given.get("number"), given.get("hash")
    if type(named) is not int or not isinstance(named_hash, str):
        return HeadFault("unreadable", None)
    if named > number:
        return HeadFault("ahead", named)
    earlier = START if named == 0 else last["before"] if last and named == number - 1 else None
    expected = digest if named == number else earlier or hashes().get(named)
    return None if named_hash == expected else HeadFault("other", named)
