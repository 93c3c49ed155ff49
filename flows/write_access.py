"""Permission to write into a project: the folders that a run changes, checked before anything starts."""

import os
from pathlib import Path

from lineage import dvc_storage, events
from tasks import artifacts
from tasks.runtime import users
from tasks.runtime.errors import BreathlineError

TEMPORARY = Path(".dvc/tmp")  # DVC's lock and state


def check(root: Path) -> None:
    """Check that this user may write everything that a run of stages changes.

    Raises:
        BreathlineError: A folder or file belongs to another user.
    """
    path = unwritable(root)
    if path is not None:
        refuse(path)


def refuse(path: Path) -> None:
    """Raise the error for a folder or file that this user may not change.

    Raises:
        BreathlineError: Always.
    """
    found = _existing(path.absolute())
    kind = "into the folder" if found.is_dir() else "to the file"
    user, owner = users.name(os.geteuid()), users.name(found.stat().st_uid)
    raise BreathlineError(
        f"User {user} may not write {kind} {found}, which belongs to {owner}.",
        hint=f"run as {owner}, or work in a clone of your own (`git clone`, then `make setup`)",
    )


def unwritable(root: Path) -> Path | None:
    """Return the first folder or file that a run of stages changes and that this user may not; None without such."""
    changed = (
        root,
        root / TEMPORARY,
        root / TEMPORARY / "lock",
        dvc_storage.cache_of(root).objects,
        root / events.LOG.parent,
        root / events.LOG,
        root / ".locks",
        root / artifacts.DATA,
        root / artifacts.REPORTS,
        root / dvc_storage.LOCK,
    )
    return next((path for path in map(_existing, changed) if not may_write(path)), None)


def may_write(path: Path) -> bool:
    """Return whether this user may change a file, or the entries of a folder; a missing path is asked of its parent."""
    found = _existing(path)
    return os.access(found, os.W_OK | (os.X_OK if found.is_dir() else 0))


def _existing(path: Path) -> Path:
    return next((place for place in (path, *path.parents) if place.exists()), path)
