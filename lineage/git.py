"""Git commands of a project: the one place that calls Git for lineage, flows and cli."""

import json
import os
import re
import subprocess
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tasks.runtime.errors import BreathlineError

# In a workspace, which is a copy of a project's code: the project, its Git folder and the commit.
ORIGIN = Path(".lineage/origin.json")
# Git's index of a workspace: the files of its commit, or those of the project's index.
INDEX = Path(".lineage/git-index")
# Git's advice to a user who does not own the repository.
TRUST = re.compile(rb"git config --global --add safe\.directory .+")

# Messages in English, because some are read here; and the commits and files themselves: `git replace` and grafts would
# show others in their place.
FIXED = {"LC_ALL": "C", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": f"{os.devnull}/none"}


def git(root: Path, *arguments: str, env: Mapping[str, str] | None = None, stdin: bytes | None = None) -> str:
    """Return the output of a Git command without the last line end.

    Raises:
        BreathlineError: Git is not installed, or it fails; the error holds its message.
    """
    return _decoded(git_bytes(root, *arguments, env=env, stdin=stdin))


def git_bytes(root: Path, *arguments: str, env: Mapping[str, str] | None = None, stdin: bytes | None = None) -> bytes:
    """Return the output of a Git command as bytes.

    Raises:
        BreathlineError: Git is not installed, or it fails; the error holds its message.
    """
    try:
        done = _run(root, arguments, env=env, stdin=stdin)
    except FileNotFoundError as error:
        raise BreathlineError("Git is not installed.", hint="install git") from error
    if done.returncode:
        _refuse_distrust(root, done.stderr)
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

    Raises:
        BreathlineError: The repository belongs to another user, and Git does not trust it.
    """
    copied = origin(root)
    place = [f"--git-dir={copied['git']}", f"--work-tree={root.resolve()}"] if copied else []
    env = {"GIT_INDEX_FILE": str((root / INDEX).resolve())} if copied and (root / INDEX).is_file() else None
    try:
        done = _run(root, ("--no-optional-locks", *place, *arguments), env=env, stdin=stdin)
    except OSError:
        return None
    if done.returncode:
        _refuse_distrust(root, done.stderr)
        return None
    return done.stdout


def commit_of(root: Path, revision: str) -> str | None:
    """Return the commit of a revision; None if there is no such revision."""
    return ask_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")


def file_at(root: Path, revision: str, path: str) -> bytes | None:
    """Return a file of a revision, by its path below the root; None if the revision does not have it."""
    return ask_git_bytes(root, "show", "--end-of-options", f"{revision}:{_folder(root)}{path}")


def versions(root: Path, path: str, commits: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the commits that have a file, by its path below the root, and the file's content at each."""
    folder = prefix(root)
    asked = {f"{commit}:{folder}{path}": commit for commit in commits}
    for name, content in blobs(root, asked).items():
        yield asked[name], content


def blobs(root: Path, names: Iterable[str], kinds: Collection[bytes] = (b"blob",)) -> dict[str, bytes]:
    """Return the content of objects by their names in Git (``COMMIT:PATH``, from the top of the repository).

    An object that Git does not have, or that has another kind, is left out.
    """
    asked = list(dict.fromkeys(names))
    found: dict[str, bytes] = {}
    rest = ask_git_bytes(root, "cat-file", "--batch", stdin="".join(f"{name}\n" for name in asked).encode()) or b""
    start = 0
    for name in asked:
        end = rest.find(b"\n", start)
        parts = rest[start:end].rsplit(b" ", 2)
        start = end + 1
        if len(parts) == 3 and parts[2].isdigit():
            size = int(parts[2])
            if parts[1] in kinds:
                found[name] = rest[start : start + size]
            start += size + 1
    return found


def tree_at(root: Path, commit: str) -> str:
    """Return Git's name of the project's folder at a commit."""
    return f"{commit}:{_folder(root)}"


def prefix(root: Path) -> str:
    """Return the path of the project below the top of its repository, with a slash at its end; empty at the top."""
    copied = origin(root)
    return str(copied.get("prefix", "")) if copied else ask_git(root, "rev-parse", "--show-prefix") or ""


def origin(root: Path) -> Mapping[str, Any] | None:
    """Return `project`, `git`, `commit` and `left_out` of a workspace; None for a project itself."""
    path = root / ORIGIN
    found: Mapping[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    return found


def address_without_password(url: str) -> str | None:
    """Return the URL of a remote without its credentials; None if it names no host, as a local folder does.

    SSH keeps the name of the account on the server.
    """
    parts = urlsplit(url)
    if not parts.scheme or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    user = f"{parts.username}@" if parts.username and parts.scheme == "ssh" else ""
    return urlunsplit(parts._replace(netloc=f"{user}{host}{port}"))


def _folder(root: Path) -> str:
    """Return the project's folder in the form of Git's `REVISION:PATH`."""
    return prefix(root) if origin(root) else "./"


def _refuse_distrust(root: Path, message: bytes) -> None:
    """Raise an error if Git's message says that it does not trust the repository.

    Raises:
        BreathlineError: The repository belongs to another user.
    """
    advice = TRUST.search(message)
    if advice:
        what = "Git does not trust this repository, because its folder belongs to another user."
        hint = f"if you trust its owner: `{_decoded(advice[0]).strip()}`"
        raise BreathlineError(what, where=root.resolve(), hint=hint)


def _run(
    root: Path, arguments: tuple[str, ...], *, env: Mapping[str, str] | None = None, stdin: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | FIXED | dict(env or {})
    command = ["git", *arguments]  # Git of the PATH, as for the user; revisions follow --end-of-options
    return subprocess.run(  # noqa: S603 - a list that no shell reads
        command, cwd=root, env=environment, input=stdin, capture_output=True, check=False
    )


def _decoded(output: bytes) -> str:
    return output.decode(errors="replace").rstrip("\n")
