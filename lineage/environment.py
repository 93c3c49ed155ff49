"""Differences between a recorded environment and the current one (`lineage.code.environment`)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

LOCKED = "requirements.lock"
PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]*)", re.MULTILINE)


def pinned(root: Path) -> set[str]:
    """Return the names of the packages that the lock file of a folder pins; none without the file."""
    lock = root / LOCKED
    return set(versions(read_lock(lock))) if lock.is_file() else set()


def read_lock(path: Path) -> str:
    """Return the text of a lock file; comments of a user may have any encoding."""
    return path.read_text(encoding="utf-8", errors="replace")


def versions(lock: str) -> dict[str, str]:
    """Return the versions that the text of a lock file pins, by name of the package."""
    return {name.lower(): version for name, version in PINNED.findall(lock)}


def differences(then: Mapping[str, Any], now: Mapping[str, Any], locked: set[str]) -> Iterator[tuple[str, str]]:
    """Yield place and description of each difference.

    Args:
        then: Recorded environment.
        now: Current environment.
        locked: Names of the packages to compare.
    """
    if then.get("python") != now["python"]:
        yield "Python", f"{then.get('python')} → {now['python']}"
    if then.get("lock_sha256") != now["lock_sha256"]:
        yield LOCKED, f"its SHA-256 was {_short(then.get('lock_sha256'))} and is {_short(now['lock_sha256'])}"
    old, new = then.get("packages", {}), now["packages"]
    for name in sorted(locked & (old.keys() | new.keys())):
        if old.get(name) != new.get(name):
            yield "installed packages", f"{name} {old.get(name, 'absent')} → {new.get(name, 'absent')}"


def _short(digest: str | None) -> str:
    return f"{digest[:12]}…" if digest else "absent"
