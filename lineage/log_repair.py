"""Repair of the event log after a crash: a torn last line is moved aside, and an entry of the log tells so.

A difference between the log and its head is told by such an entry as well. The next entry would otherwise hide it,
because it gives the log a new head.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineage import log_head, log_lines, log_signature
from lineage.log_head import HeadFault
from lineage.log_lines import Entry, Tail
from lineage.log_signature import Signer

EVENT = "repaired"


def prepare(log: Path, head: Path, tail: Tail, signer: Signer | None) -> dict[str, Any] | None:
    """Copy a torn line to a file beside the log, and return the content of the entry that tells of the repair.

    The caller writes the entry in place of the torn line. None means that nothing is wrong.

    Args:
        log: File of the log.
        head: File of its head.
        tail: End of the log.
        signer: Key of this process, whose signatures of a head it can check; None without one.
    """
    found: dict[str, Any] = {}
    if tail.torn:
        digest = hashlib.sha256(tail.torn).hexdigest()
        aside = log.with_name(f"torn-{digest[:16]}.txt")
        with aside.open("wb") as file:
            file.write(tail.torn)
            file.flush()
            os.fsync(file.fileno())
        found["torn"] = {"file": aside.name, "bytes": len(tail.torn), "sha256": digest}
    text = log_head.read(head)
    fault = log_head.compare(text, tail.last, lambda: _hashes(log)) or _unsigned(log, text, tail, signer)
    if fault is not None:
        found["head"] = {"fault": fault.kind, "number": fault.said}
    return {"event": EVENT, **found} if found else None


def _unsigned(log: Path, head: str | None, tail: Tail, signer: Signer | None) -> HeadFault | None:
    """Return the fault of an unsigned head of a log with a signed end.

    A head that names an entry of this key needs a signature by it. A signed head at an entry of another key is left to
    the verification, because this process does not have that key.

    Raises:
        LogError: A line of the log is not an entry.
    """
    if head is None or tail.last is None or "key" not in tail.last:
        return None
    content, keys = log_head.parsed(head), signer.keys if signer else {}
    is_ours = "signature" not in content or str(content.get("key")) in keys
    if not is_ours and _key_at(log, log_lines.number_of(content), tail.last) not in keys:
        return None
    return log_signature.head_fault(content, keys)


def _key_at(log: Path, number: int, last: Entry) -> str:
    """Return the key of an entry or, if it is not signed, of the first signed entry after it.

    The process that wrote this later entry had signed the head of the one before.
    """
    if number == last["number"]:
        return str(last["key"])
    later = (entry for _, _, entry in log_lines.entries(log) if log_lines.number_of(entry) >= number)
    return str(next(entry["key"] for entry in later if "key" in entry))


def _hashes(log: Path) -> dict[object, object]:
    """Return the hash of each entry of a log by its number."""
    return {log_lines.number_of(entry): entry.get("hash") for _, _, entry in log_lines.entries(log)}


def tells_of_head(event: Mapping[str, Any]) -> bool:
    """Return whether the content of an entry tells of a fault of the head."""
    return event.get("event") == EVENT and "head" in event


def describe(entry: Entry) -> tuple[str, bool] | None:
    """Return what the entry of a repair tells, and whether entries may have been removed before it.

    Returns:
        None for an entry of another kind, or one that was changed beyond reading.
    """
    if entry.get("event") != EVENT:
        return None
    told, torn, head = [], entry.get("torn"), entry.get("head")
    try:
        if torn:
            what = f"a torn line of {torn['bytes']} bytes was moved to .lineage/{torn['file']}"
            told.append(f"{what}: a process ended early")
        if head:
            fault = HeadFault(head["fault"], head["number"])
            told.append(f"before this entry, {fault.describe(int(entry['number']) - 1)}")
    except (KeyError, TypeError, ValueError):
        return None
    return "; ".join(told), head is not None
