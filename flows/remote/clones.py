"""A worker's clones of a project: one run at a time in each, cleaned before it, with a DVC cache of their own."""

import glob
import hashlib
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from flows.remote.transfer_commands import TransferCommands
from lineage.git import git, prefix
from tasks.runtime.errors import BreathlineError

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


def check_out(
    commands: TransferCommands, *, repository: str, ref: str, commit: str, folder: str = ""
) -> TransferCommands:
    """Check out a commit, to which a ref in the repository points, in a clone that `exclusive_clone` has locked.

    Args:
        commands: Commands in the folder of the clone.
        repository: Address of the Git repository.
        ref: Ref that points at the commit.
        commit: Full id of the commit.
        folder: Path of the project below the top of the repository; empty at the top.

    Returns:
        Commands in the folder of the project.

    Raises:
        BreathlineError: The commit has no project in this folder.
    """
    root = commands.root
    if not (root / ".git" / "HEAD").exists():
        git(root, "init", "--quiet")
    (root / ".git" / "index.lock").unlink(missing_ok=True)
    commands.git("fetch", "--quiet", "--no-tags", "--end-of-options", repository, ref)
    git(root, "checkout", "--quiet", "--force", "--detach", commit)
    project = root / folder
    if not (project / ".dvc").is_dir() or not project.resolve().is_relative_to(root.resolve()):
        hint = "`git add .dvc` in the project, then run again"
        raise BreathlineError(f"The commit {commit[:9]} has no DVC project.", where=folder or repository, hint=hint)
    settings = project / ".dvc" / "config.local"
    settings.write_text(f"[cache]\n    dir = {root.parent / 'cache'}\n", encoding="utf-8")
    return replace(commands, root=project)


def clean(root: Path, keep: Sequence[str]) -> None:
    """Remove all files from a project but those of the commit and the paths to keep, which DVC itself updates."""
    folder = prefix(root)
    patterns = [f"--exclude=/{glob.escape(f'{folder}{name}')}" for name in (*KEPT, *keep)]
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
