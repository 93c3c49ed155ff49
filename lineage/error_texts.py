"""Texts of errors that ended a run, each in a file beside the event log.

A text may name a recording or a patient, and an entry cannot be taken out of the log. So the entry holds the type of
the error and the SHA-256 of the file. The file begins with random digits, so that the hash of a removed text tells
nothing about it. A withdrawal removes all texts: names of own recordings and files are not known to it.
"""

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.runtime.disk_errors import DiskError
from tasks.runtime.files import replacing

FOLDER = Path(".lineage/errors")
REMOVED = "its text was removed, or is on another machine"


def keep(root: Path, error: BaseException) -> dict[str, str]:
    """Write the text of an error to a file of its own, and return the keys of the entry.

    If the disk refuses the file, the entry has the type of the error alone.

    Args:
        root: Project of the event log.
        error: The error.
    """
    content = f"{secrets.token_hex(32)}\n{error}".encode(errors="replace")
    digest = hashlib.sha256(content).hexdigest()
    kind = {"error": type(error).__name__}
    try:
        with replacing(_path(root, digest)) as temporary:
            temporary.write_bytes(content)
    except (OSError, DiskError):
        return kind
    return kind | {"error_text": digest}


def read(root: Path, entry: Mapping[str, Any]) -> str | None:
    """Return type and text of the error of an entry; None for an entry without an error.

    Args:
        root: Project of the event log.
        entry: The end of a run. Those of earlier versions hold the whole text.
    """
    error, digest = entry.get("error"), str(entry.get("error_text"))
    if error is None or "error_text" not in entry:
        return None if error is None else str(error)
    path = _path(root, digest)
    if not path.is_file():
        return f"{error} ({REMOVED})"
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        return f"{error} (the file of its text was changed: {path.relative_to(root)})"
    text = content.decode(errors="replace").partition("\n")[2]
    return f"{error}: {text}"


def _path(root: Path, digest: str) -> Path:
    return root / FOLDER / f"{Path(digest).name[:32]}.txt"
