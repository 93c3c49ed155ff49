"""A Git commit of the project as it stands, made beside the branch: neither index, branch nor a file changes.

A worker checks such a commit out, and a version of a model is one: what ran is what Git keeps, whoever committed it.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tasks.runtime.errors import BreathlineError

AUTHOR = {"NAME": "Breathline", "EMAIL": "breathline@localhost"}


def commit_working_tree(root: Path, message: str, *, also: Sequence[str] = ("dvc.lock",)) -> str:
    """Return the id of a commit on top of HEAD that holds the tracked files as they stand, and some others.

    Args:
        root: The project, the top of a Git repository.
        message: The commit's message.
        also: Files that Git may not track yet, or ignores; those that do not exist are left out.

    Returns:
        The full id; that of HEAD itself where nothing differs from it. Nothing points at a new commit: tag or push it,
        or Git forgets it in time.

    Raises:
        BreathlineError: This is no Git repository, or one without a commit.
    """
    head = git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    with tempfile.TemporaryDirectory(prefix="breathline-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git(root, "read-tree", head, env=index)
        git(root, "add", "--update", "--", ".", env=index)
        found = [name for name in also if (root / name).is_file()]
        if found:
            git(root, "add", "--force", "--", *found, env=index)
        tree = git(root, "write-tree", env=index)
    if tree == git(root, "rev-parse", f"{head}^{{tree}}"):
        return head
    return git(root, "commit-tree", tree, "-p", head, "-m", message, env=author_environment(root))


def git(root: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
    """Return what a Git command prints, without the last line's end.

    Raises:
        BreathlineError: Git fails; its own words are the error.
    """
    command = ["git", *arguments]
    try:
        done = subprocess.run(
            command, cwd=root, env=os.environ | (env or {}), capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        raise BreathlineError("Git is not installed.", hint="install git") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip() or "it gave no reason"
        hint = "the project has to be a Git repository with at least one commit"
        raise BreathlineError(f"`git {arguments[0]}` failed: {said}", where=root, hint=hint) from error
    return done.stdout.rstrip("\n")


def author_environment(root: Path) -> dict[str, str]:
    """Return the environment that names who makes a commit or a tag.

    Whom Git knows is named; a worker's account may have neither name nor address.
    """
    found = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in AUTHOR.items()}
    for key, what in (("user.name", "NAME"), ("user.email", "EMAIL")):
        asked = subprocess.run(["git", "config", key], cwd=root, capture_output=True, text=True, check=False)
        if value := asked.stdout.strip():
            found |= {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")}
    return found | {key: value for key, value in os.environ.items() if key.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))}
