"""Writing of entries behind the end of the event log: one write and one flush to the disk, then the head."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lineage import log_head, log_repair
from lineage.log_head import START
from lineage.log_lines import Tail, hash_of, line_of
from lineage.log_signature import Signer


def append(log: Path, head: Path, tail: Tail, given: Sequence[Mapping[str, Any]], signer: Signer | None) -> str:
    """Write entries behind the last complete one, in place of a torn line; then the head. Return the last hash.

    The entries are on the disk before the head names them. The head is not flushed: after a power failure it may name
    an earlier entry, which is no fault (`log_head.compare`). A head with a fault stays until the entry that tells of
    the fault is on the disk.

    Args:
        log: File of the log.
        head: File of its head.
        tail: End of the log.
        given: Contents of the entries, without the keys that depend on their position.
        signer: Key that signs the entries and the head; None for no signatures.
    """
    number, digest = (tail.last["number"], tail.last["hash"]) if tail.last else (0, START)
    start, before, text = number, digest, "\n" if tail.unterminated else ""
    for event in given:
        number += 1
        entry = {"number": number, "before": digest, **event, **({"key": signer.id} if signer else {})}
        digest = hash_of(entry)
        signature = {"signature": signer.sign(digest)} if signer else {}
        text += line_of({**entry, "hash": digest, **signature}) + "\n"
    first = tail.last is None and not head.exists()
    if (first or (signer and "key" not in (tail.last or {}))) and not any(map(log_repair.tells_of_head, given)):
        log_head.write(head, start, before, signer)  # a crash before the head of a first entry is no fault of the head
    _write(log, text.encode(), at=tail.end)
    log_head.write(head, number, digest, signer)
    return digest


def _write(log: Path, data: bytes, *, at: int) -> None:
    """Write bytes to the end of a log from a position on, or, where the disk is full, nothing."""
    with log.open("r+b" if log.exists() else "wb", buffering=0) as file:
        file.seek(at)
        try:
            while data:
                data = data[file.write(data) :]
            file.truncate()
            os.fsync(file.fileno())
        except OSError:
            os.truncate(log, at)
            raise
