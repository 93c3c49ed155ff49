"""Comparison of an in-toto statement with the current files."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineage import events
from lineage.content import content_hash
from tasks.runtime.files import sha256

STATEMENT = "https://in-toto.io/Statement/v1"


def differences(statement: Mapping[str, Any], root: Path) -> dict[str, str]:
    """Return the differences between a statement and the current files, in words, by path.

    The subjects of the statement (models, figures, report) and its by-products (records) are compared, the report by
    its content. The event log must still begin with the entries that it had when the statement was made.

    Raises:
        ValueError: The statement is not an in-toto Statement v1 with named and hashed subjects.
    """
    if statement.get("_type") != STATEMENT or not statement.get("subject"):
        raise ValueError(f"This is not an in-toto statement: `_type` is {statement.get('_type')!r}, not {STATEMENT}.")
    byproducts = statement.get("predicate", {}).get("runDetails", {}).get("byproducts", [])
    found = {}
    for one in [*statement["subject"], *byproducts]:
        name, expected = one.get("name"), one.get("digest", {}).get("sha256")
        if not name or not expected:
            raise ValueError(f"A subject of the statement has no name or no SHA-256: {one}.")
        compare = _log_difference if name == str(events.LOG) else _file_difference
        if difference := compare(root / name, expected, one.get("annotations", {})):
            found[name] = difference
    return found


def made_again(statement: Mapping[str, Any], root: Path) -> list[str]:
    """Return the paths whose bytes differ from the attested ones, and whose content does not."""
    given = ((one["name"], one.get("digest", {}), one.get("annotations", {})) for one in statement["subject"])
    return [
        name
        for name, digest, facts in given
        if "content" in facts and (root / name).is_file() and sha256(root / name) != digest.get("sha256")
    ]


def _file_difference(path: Path, expected: str, facts: Mapping[str, Any]) -> str | None:
    """Return the difference between a file and its attested hash; a report made again differs by its content only."""
    if not path.is_file():
        return "attested, but missing"
    seen = sha256(path)
    if seen == expected or (facts.get("content") and content_hash(path) == facts["content"]):
        return None
    return f"its SHA-256 is {seen[:12]}…, attested is {expected[:12]}…"


def _log_difference(path: Path, expected: str, facts: Mapping[str, Any]) -> str | None:
    """Return the difference between the beginning of the event log and the attested one."""
    if "bytes" not in facts:
        raise ValueError("The statement is of an earlier version, which did not hash the event log. Export it again.")
    entries = facts["entries"]
    if not path.is_file() or path.stat().st_size < facts["bytes"]:
        return f"{entries} entries are attested, and the log is shorter: entries were removed"
    if hash_of_beginning(path, facts["bytes"]) != expected:
        return f"its first {entries} entries are not those that were attested: entries were removed or changed"
    return None


def hash_of_beginning(path: Path, size: int) -> str:
    """Return the SHA-256 of the first bytes of a file.

    Args:
        path: Path of the file.
        size: Number of bytes.
    """
    with path.open("rb") as file:
        return hashlib.sha256(file.read(size)).hexdigest()
