"""Exclusion of a user's own recordings and tables from Git, whose history keeps every file that was committed."""

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from lineage import git
from tasks.corpora.table.facts import SUFFIXES
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import replacing
from tasks.runtime.words import listed

IGNORE = Path(".gitignore")


def exclude(root: Path, paths: Iterable[Path]) -> list[str]:
    """Add the paths within a project that Git would add to its `.gitignore`, and return the new lines.

    Args:
        root: Folder of the project.
        paths: Files and folders of a user; those outside of the project are left out.

    Raises:
        BreathlineError: Git cannot read the `.gitignore`.
    """
    lines = [line for path in paths if (line := _line(root.resolve(), path.resolve()))]
    if lines:
        # Git reads bytes: the comments of a user may have any encoding, and names of files too.
        before = (root / IGNORE).read_bytes() if (root / IGNORE).exists() else b""
        if b"\0" in before:
            raise BreathlineError(
                f"{IGNORE} has null bytes, as text in UTF-16 has: Git reads no pattern of it.",
                where=(root / IGNORE).resolve(),
                hint="save it as UTF-8, then run the command again",
            )
        end = b"\r\n" if b"\r\n" in before else b"\n"
        begun = before and not before.endswith(b"\n")
        with replacing(root / IGNORE) as new:
            new.write_bytes(before + end * bool(begun) + b"".join(os.fsencode(line) + end for line in lines))
    return lines


def warnings(root: Path, paths: Iterable[Path]) -> list[str]:
    """Return warnings of recordings and tables within a project that its `.gitignore` cannot keep out of Git.

    Args:
        root: Folder of the project.
        paths: Files and folders of a user; those outside of the project are left out.
    """
    return [text for path in paths for text in _warnings(root.resolve(), path.resolve())]


def _warnings(root: Path, path: Path) -> Iterator[str]:
    """Yield the warnings of one path: it is the project itself, or Git has files of it."""
    if not path.is_relative_to(root):
        return
    name = path.relative_to(root).as_posix()
    if path == root:
        yield (
            f"The recordings are in the project's own folder. {IGNORE} excludes sounds, but `git add --all` adds "
            "annotations and tables beside them. Move all to another folder, and add the corpus from there."
        )
    found = git.ask_git(root, "--literal-pathspecs", "ls-files", "-z", "--", name) or ""
    tracked = [one for one in found.split("\0") if one]
    if path == root:
        tracked = [one for one in tracked if PurePosixPath(one).suffix.lower() in SUFFIXES]
    if tracked:
        target = "FILE" if path == root else shlex.quote(name)
        yield (
            f"Git already has {listed(tracked, 3)}: {IGNORE} has no effect on files that Git has. "
            f"Remove them by `git rm -r --cached {target}`, and commit; earlier commits keep them."
        )


def _line(root: Path, path: Path) -> str | None:
    """Return the line of `.gitignore` for a path; None if Git would add nothing of it."""
    if path == root or not path.is_relative_to(root):
        return None
    name = path.relative_to(root).as_posix()
    if not git.ask_git(root, "--literal-pathspecs", "ls-files", "--others", "--exclude-standard", "--", name):
        return None
    return "/" + re.sub(r"([*?\[\\])", r"\\\1", name) + "/" * path.is_dir()
