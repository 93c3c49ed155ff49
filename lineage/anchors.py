"""Anchors of the event log: position and hash of its last entry, in the tags that Breathline makes.

A tag that was pushed, or copied by another person, keeps the state of the log at that moment out of a forger's reach.
The line is a trailer of the tag's message::

    Breathline-Log: <hash of the first entry> <number of the last entry> <its hash> <place>
"""

import hashlib
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lineage import events, log_lines
from lineage.git import ask_git

TRAILER = re.compile(r"^Breathline-Log: ([0-9a-f]{64}) (\d{1,12}) ([0-9a-f]{64}) ([0-9a-f]{12})$", re.MULTILINE)
END = "\x1e"  # between two tags in Git's list


@dataclass(frozen=True)
class Anchor:
    """State of an event log when a tag was made."""

    tag: str  # name of the tag
    log: str  # hash of the first entry, which identifies the log
    number: int  # number of the last entry
    digest: str  # hash of the last entry
    place: str  # id of the folder with the log (`place_of`)


def trailer(root: Path) -> str | None:
    """Return the line for the message of a new tag; None if the log has no entry, or cannot be read."""
    try:
        first = next(log_lines.entries(root / events.LOG), None)
        last = log_lines.tail_of(root / events.LOG).last
    except log_lines.LogError:
        return None
    if first is None or last is None:
        return None
    return f"Breathline-Log: {first[2].get('hash')} {last['number']} {last['hash']} {place_of(root)}"


def read(root: Path) -> Iterator[Anchor]:
    """Yield the anchors of all annotated tags, by name of the tag."""
    form = f"--format=%(objecttype) %(refname:strip=2)%0a%(contents){END}"
    for text in (ask_git(root, "for-each-ref", form, "refs/tags") or "").split(END):
        head, _, message = text.strip().partition("\n")
        kind, _, tag = head.partition(" ")
        if kind == "tag" and (found := TRAILER.findall(message)):
            log, number, digest, place = found[-1]
            yield Anchor(tag, log, int(number), digest, place)


def place_of(root: Path) -> str:
    """Return an id of a folder on a machine; without the folder and the name of the machine, it tells nothing."""
    return hashlib.sha256(f"{socket.gethostname()}\n{root.resolve()}".encode()).hexdigest()[:12]
