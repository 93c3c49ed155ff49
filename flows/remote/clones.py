"""A worker's clones of a project: one run at a time in each, cleaned before it, with a DVC cache of their own."""

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

from flows.remote.transfer_commands import TransferCommands
from lineage.git import git

FOLDER = "BREATHLINE_CLONES"
# Files that outlive a run: checkpoints, by which a training resumes; DVC's settings and state; locks of stages.
KEPT = (".dvc/config.local", ".dvc/tmp", ".checkpoints", ".locks")


@contextmanager
def exclusive_clone(repository: str) -> Iterator[Path]:
    """Yield the folder of the first clone of a repository that no other run uses; a new clone is an empty folder."""
    parent = _folder() / _name(repository)
    parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count():
        clone, lock = parent / str(number), FileLock(parent / f"{number}.lock")
        try:
            held = lock.acquire(timeout=0)
        except Timeout:
            continue
        with held:
            # The lock ends at once with its process; processes that it has started may need some seconds more.
            if _is_unused(clone):
                clone.mkdir(exist_ok=True)
                yield clone
                return


def check_out(commands: TransferCommands, *, repository: str, ref: str, commit: str) -> None:
    """Check out a commit, to which a ref in the repository points, in a clone that `exclusive_clone` has locked."""
    root = commands.root
    if not (root / ".git" / "HEAD").exists():
        git(root, "init", "--quiet")
    (root / ".git" / "index.lock").unlink(missing_ok=True)
    commands.git("fetch", "--quiet", "--no-tags", repository, ref)
    git(root, "checkout", "--quiet", "--force", "--detach", commit)
    settings = root / ".dvc" / "config.local"
    settings.write_text(f"[cache]\n    dir = {root.parent / 'cache'}\n", encoding="utf-8")


def clean(root: Path, keep: Sequence[str]) -> None:
    """Remove all files from a clone but those of the commit and paths to keep, which DVC checks and updates itself."""
    patterns = [f"--exclude=/{glob.escape(name)}" for name in (*KEPT, *keep)]
    git(root, "clean", "--quiet", "-ffdx", *patterns)


def _folder() -> Path:
    folder = os.environ.get(FOLDER)
    if folder:
        return Path(folder).expanduser().resolve()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "breathline" / "clones"


def _name(repository: str) -> str:
    stem = re.split(r"[/:\\]", repository.rstrip("/"))[-1].removesuffix(".git")
    return f"{stem}-{hashlib.sha256(repository.encode()).hexdigest()[:8]}"


def _is_unused(clone: Path) -> bool:
    """Return whether no process works in a clone."""
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(clone):
                return False
        except (psutil.Error, OSError):  # another user's process, or one that has ended
            continue
    return True
