"""Exclusion of a user's own recordings and tables from Git, which keeps forever what it was given once."""

import re
from collections.abc import Iterable
from pathlib import Path

from lineage import git
from tasks.runtime.files import write_text

IGNORE = Path(".gitignore")


def exclude(root: Path, paths: Iterable[Path]) -> list[str]:
    """Add the paths within a project that Git would add to its `.gitignore`, and return the new lines.

    Args:
        root: Folder of the project.
        paths: Files and folders of a user; those outside of the project are left out.
    """
    lines = [line for path in paths if (line := _line(root.resolve(), path.resolve()))]
    if lines:
        before = (root / IGNORE).read_text(encoding="utf-8") if (root / IGNORE).exists() else ""
        begun = before and not before.endswith("\n")
        write_text(root / IGNORE, before + "\n" * bool(begun) + "".join(f"{line}\n" for line in lines))
    return lines


def _line(root: Path, path: Path) -> str | None:
    """Return the line of `.gitignore` for a path; None if Git would add nothing of it."""
    if path == root or not path.is_relative_to(root):
        return None
    name = path.relative_to(root).as_posix()
    if not git.ask_git(root, "--literal-pathspecs", "ls-files", "--others", "--exclude-standard", "--", name):
        return None
    return "/" + re.sub(r"([*?\[\\])", r"\\\1", name) + "/" * path.is_dir()
