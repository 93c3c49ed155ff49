"""A worker's clones of a project: clean for each run, with a DVC cache of its own, and never shared by two runs."""

from __future__ import annotations

import glob
import hashlib
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from flows.git_commits import git
from flows.remote.transfer_commands import Transfers

FOLDER = "BREATHLINE_CLONES"
# What outlives a run: checkpoints, by which a training resumes; DVC's settings and state; the locks of stages.
KEPT = (".dvc/config.local", ".dvc/tmp", ".checkpoints", ".locks")


@contextmanager
def taken(repository: str) -> Iterator[Path]:
    """Yield the first clone of a repository that no other run uses; a folder, perhaps an empty one.

    Args:
        repository: Its address.
    """
    home = _folder() / _name(repository)
    home.mkdir(parents=True, exist_ok=True)
    for number in itertools.count():
        clone, lock = home / str(number), FileLock(home / f"{number}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        try:
            # The lock goes with its process, at once; what that one has started takes some seconds to end.
            if _deserted(clone):
                clone.mkdir(exist_ok=True)
                yield clone
                return
        finally:
            lock.release()


def check_out(clone: Transfers, *, repository: str, ref: str, commit: str) -> None:
    """Bring a clone to a commit, whatever state an earlier run has left it in.

    Args:
        clone: The clone, locked by `taken`.
        repository: Where the commit is.
        ref: What points at it there.
        commit: Its id.

    Raises:
        StageFailedError: The repository does not give it.
    """
    root = clone.root
    if not (root / ".git" / "HEAD").exists():
        git(root, "init", "--quiet")
    (root / ".git" / "index.lock").unlink(missing_ok=True)
    clone.git("fetch", "--quiet", "--no-tags", repository, ref)
    git(root, "checkout", "--quiet", "--force", "--detach", commit)
    settings = root / ".dvc" / "config.local"
    settings.write_text(f"[cache]\n    dir = {root.parent / 'cache'}\n", encoding="utf-8")


def clean(root: Path, keep: Sequence[str]) -> None:
    """Remove all from a clone that is neither the commit's nor to be kept.

    Args:
        root: The clone.
        keep: What need not be copied anew if DVC finds it as it should be.
    """
    patterns = [f"--exclude=/{glob.escape(name)}" for name in (*KEPT, *keep)]
    git(root, "clean", "--quiet", "-ffdx", *patterns)


def _folder() -> Path:
    asked = os.environ.get(FOLDER)
    if asked:
        return Path(asked).expanduser().resolve()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "breathline" / "clones"


def _name(repository: str) -> str:
    stem = re.split(r"[/:\\]", repository.rstrip("/"))[-1].removesuffix(".git")
    return f"{stem}-{hashlib.sha256(repository.encode()).hexdigest()[:8]}"


def _deserted(clone: Path) -> bool:
    """Return whether no process has its working directory in a clone."""
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(clone):
                return False
        except (psutil.Error, OSError):  # another user's, or gone
            continue
    return True
