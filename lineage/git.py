"""Git commands of a project: the one place that calls Git for lineage, flows and cli."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.runtime.errors import BreathlineError

# In a workspace, which is a copy of a project's code: the project, its Git folder and the commit.
ORIGIN = Path(".lineage/origin.json")


def git(root: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Return the output of a Git command without the last line end.

    Raises:
        BreathlineError: Git is not installed, or it fails; the error holds its message.
    """
    return _decoded(git_bytes(root, *arguments, env=env))


def git_bytes(root: Path, *arguments: str, env: Mapping[str, str] | None = None) -> bytes:
    """Return the output of a Git command as bytes.

    Raises:
        BreathlineError: Git is not installed, or it fails; the error holds its message.
    """
    try:
        done = _run(root, arguments, env=env)
    except FileNotFoundError as error:
        raise BreathlineError("Git is not installed.", hint="install git") from error
    if done.returncode:
        message = _decoded(done.stderr).strip() or "it gave no reason"
        hint = "the project has to be a Git repository with at least one commit"
        raise BreathlineError(f"`git {arguments[0]}` failed: {message}", where=root, hint=hint)
    return done.stdout


def ask_git(root: Path, *arguments: str) -> str | None:
    """Return the output of `ask_git_bytes` as text, without the last line end."""
    found = ask_git_bytes(root, *arguments)
    return None if found is None else _decoded(found)


def ask_git_bytes(root: Path, *arguments: str, stdin: bytes | None = None) -> bytes | None:
    """Return the output of a Git command that changes nothing; None if Git fails or is not installed.

    In a workspace the Git repository of its project answers, with the workspace as its working tree.
    """
    copied = origin(root)
    place = [f"--git-dir={copied['git']}", f"--work-tree={root.resolve()}"] if copied else []
    try:
        done = _run(root, ("--no-optional-locks", *place, *arguments), stdin=stdin)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def commit_of(root: Path, revision: str) -> str | None:
    """Return the commit of a revision; None if there is no such revision."""
    return ask_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")


def file_at(root: Path, revision: str, path: str) -> bytes | None:
    """Return a file of a revision, by its path below the root; None if the revision does not have it."""
    return ask_git_bytes(root, "show", f"{revision}:./{path}")


def origin(root: Path) -> Mapping[str, Any] | None:
    """Return `project`, `git`, `commit` and `left_out` of a workspace; None for a project itself."""
    path = root / ORIGIN
    found: Mapping[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    return found


def _run(
    root: Path, arguments: tuple[str, ...], *, env: Mapping[str, str] | None = None, stdin: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | dict(env or {})
    return subprocess.run(["git", *arguments], cwd=root, env=environment, input=stdin, capture_output=True, check=False)


def _decoded(output: bytes) -> str:
    return output.decode(errors="replace").rstrip("\n")
