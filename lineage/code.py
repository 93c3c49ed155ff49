"""Which code ran, in which environment: modules, Git's state, the lock file and the installed versions."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import Any

from lineage.git import ask_git, origin
from tasks.runtime.files import sha256

WATCHING = ("lineage", "flows", "cli")  # make no outs
CATALOGUE = Path("tasks/artifacts.py")  # its paths stand in dvc.yaml, too
INSTALLED, STANDARD = f"{os.sep}site-packages{os.sep}", (sysconfig.get_path("stdlib") + os.sep, "<frozen")
# The commit on which another machine based the one that is checked out here, to send its tree as it stood.
BASE = "BREATHLINE_GIT_BASE"
# Made by stages; what DVC versions is no part of the code.
NO_CODE = (":!data", ":!reports", ":!dvc.lock", ":!.gitignore", ":!*/.gitignore")


def modules(root: Path) -> dict[str, str]:
    """Return the SHA-256 of each module of the project that this process has imported to make its outs, by path."""
    found: dict[str, str] = {}
    resolved = root.resolve()
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        # Thousands are Python's own or installed: told by their paths alone, for to resolve one asks the disk.
        if path is None or INSTALLED in path or path.startswith(STANDARD):
            continue
        file = Path(path).resolve()
        # Some modules name a file that is none, such as torch._ops.
        if file.is_relative_to(resolved) and file.is_file():
            inside = file.relative_to(resolved)
            if inside.parts[0] not in WATCHING and inside != CATALOGUE:
                found[str(inside)] = sha256(file)
    return dict(sorted(found.items()))


def git(root: Path) -> dict[str, Any] | None:
    """Return what Git knows of the code, or none outside of a repository or without Git.

    Returns:
        ``commit`` (none before the first), ``shallow``, ``dirty`` (whether tracked files differ from it, those that
        stages make aside, or there are new ones), and if so ``diff`` (the text), ``diff_sha256`` and ``untracked`` with
        their hashes. On a worker, the commit is the one that the run was asked for from, and what it sent is the diff.
    """
    if ask_git(root, "rev-parse", "--is-inside-work-tree") != "true" or ask_git(root, "check-ignore", ".") is not None:
        return None
    copied = origin(root)
    named = copied["commit"] if copied else os.environ.get(BASE, "HEAD")
    paths = ["--", ".", *NO_CODE, *(f":!{name}" for name in (copied["left_out"] if copied else ()))]
    commit = ask_git(root, "rev-parse", "--verify", "--quiet", f"{named}^{{commit}}") or None
    base = commit or ask_git(root, "hash-object", "-t", "tree", "/dev/null")
    diff = ask_git(root, "diff", "--no-color", "--no-ext-diff", "--binary", str(base), *paths) or ""
    listed = ask_git(root, "ls-files", "--others", "--exclude-standard", "--", "*.py", "*.yaml", *NO_CODE) or ""
    untracked = {name: sha256(root / name) for name in sorted(listed.splitlines()) if (root / name).is_file()}
    state: dict[str, Any] = {
        "commit": commit,
        "shallow": ask_git(root, "rev-parse", "--is-shallow-repository") == "true",
        "dirty": bool(diff or untracked),
    }
    if state["dirty"]:
        state |= {"diff": diff, "diff_sha256": hashlib.sha256(diff.encode()).hexdigest(), "untracked": untracked}
    return state


def environment(root: Path) -> dict[str, Any]:
    """Return Python's version, the hash of the lock file and the versions of all installed packages."""
    lock = root / "requirements.lock"
    # Of one that is there twice, Python imports the first: it comes last here, and stays.
    installed = dict(map(_named, reversed(list(metadata.distributions()))))
    return {
        "python": platform.python_version(),
        "lock_sha256": sha256(lock) if lock.is_file() else None,
        "packages": dict(sorted(installed.items())),
    }


def _named(found: metadata.Distribution) -> tuple[str, str]:
    """Return name and version of an installed package: two lines of its metadata, the parsing of which takes long."""
    text = found.read_text("METADATA") or ""
    name, version = (re.search(f"^{key}: (.+)$", text, re.MULTILINE) for key in ("Name", "Version"))
    return (name[1].lower(), version[1]) if name and version else (found.name.lower(), found.version)
