"""Workspaces: folders with the project's code and parameters of their own, on the project's DVC cache.

What one of them makes, the others and the project itself get from the cache. A workspace has no Git of its own; what it
runs is in no one's way.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.git_commits import git
from flows.recipes.params_text import PARAMS
from lineage.code import ORIGIN, ask_git
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import write_json

# What stages make, what is written anew for each workspace, what no stage reads, and the workspaces themselves.
MADE = ("data", "reports", "dvc.lock", str(PARAMS))
NOT_CODE = (*MADE, "benchmarks", "docs", "tests", ".backfill", ".leaderboard", ".locks")
WEIGHTS = "BREATHLINE_WEIGHTS"


def fill(root: Path, workspace: Path, cache: Path, *, revision: str | None = None) -> None:
    """Bring the code of a workspace to the state of the working tree, committed or not, or to that of a commit.

    What stages have made there stays, so that only what has changed since is run.

    Args:
        root: The project.
        workspace: The folder; made where it is not there.
        cache: DVC's cache, which all workspaces share with the project (`cache_of`).
        revision: The commit; none: the working tree.

    Raises:
        BreathlineError: The project is no Git repository, or there is no such revision.
    """
    # DVC cannot template a list of inputs, so that the folder of teachers is one, even where there is none.
    (workspace / "data" / "teachers").mkdir(parents=True, exist_ok=True)
    wanted: set[Path] = set()
    for name, mode, content in _files(root, revision):
        wanted.add(Path(name))
        _bring(workspace / name, mode, content)
    for folder in {name.parts[0] for name in wanted if len(name.parts) > 1} - {".dvc"}:
        for path in (workspace / folder).rglob("*"):
            if path.is_file() and path.relative_to(workspace) not in wanted and "__pycache__" not in path.parts:
                path.unlink()
    _name_origin(root, workspace, revision)
    # Copies where the file system has no reflinks: through a hard link, a write would damage the cache unseen.
    (workspace / ".dvc" / "config.local").write_text(
        f'[core]\n    no_scm = true\n[cache]\n    dir = {cache}\n    type = "reflink,copy"\n',
        encoding="utf-8",
    )


def _name_origin(root: Path, workspace: Path, revision: str | None) -> None:
    """Let records of stages that run in a workspace name the commit of its code, and what differs from it."""
    if git(root, "rev-parse", "--show-prefix"):
        return  # a project in a folder of a repository: its files have other names there
    origin = {
        "project": str(root.resolve()),
        "git": git(root, "rev-parse", "--absolute-git-dir"),
        "commit": commit_of(root, revision) if revision else ask_git(root, "rev-parse", "--verify", "--quiet", "HEAD"),
        "left_out": [name for name in NOT_CODE if name not in (*MADE, ".locks")],
    }
    (workspace / ORIGIN).parent.mkdir(exist_ok=True)
    write_json(workspace / ORIGIN, origin)


def params_text(root: Path, revision: str | None = None) -> str:
    """Return the text of params.yaml, in the working tree or at a commit.

    Raises:
        BreathlineError: There is no such file or revision.
    """
    if revision is not None:
        return git(root, "show", f"{commit_of(root, revision)}:{PARAMS}") + "\n"
    try:
        return (root / PARAMS).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BreathlineError("There is no params.yaml here.", where=root, hint="run from the project") from error


def commit_of(root: Path, revision: str) -> str:
    """Return the full id of a commit by any of its names.

    Raises:
        BreathlineError: There is no such revision.
    """
    try:
        return git(root, "rev-parse", "--verify", f"{revision}^{{commit}}")
    except BreathlineError as error:
        hint = "a tag, a branch or a commit's id; `git log --oneline` lists them"
        raise BreathlineError(f"There is no revision `{revision}`.", where=root, hint=hint) from error


def recordings(root: Path, download: Mapping[str, Any]) -> dict[str, Any]:
    """Return the section `download` of params.yaml with paths that lead to the same files from any workspace."""
    return {
        key: str((root / value).resolve()) if key in ("path", "metadata") and value else value
        for key, value in download.items()
    }


def absolute_weights() -> None:
    """Make the folder of pretrained weights, where one is named, hold for stages that run in workspaces, too."""
    if folder := os.environ.get(WEIGHTS):
        os.environ[WEIGHTS] = str(Path(folder).resolve())


def cache_of(root: Path) -> Path:
    """Return the folder of the project's DVC cache.

    Raises:
        BreathlineError: There is no DVC repository.
    """
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            # DVC keeps its format's version as the last part of the path.
            return Path(repo.cache.local_cache_dir)
    except NotDvcRepoError as error:
        raise BreathlineError("There is no DVC repository here.", where=root, hint="run from the project") from error


def _files(root: Path, revision: str | None) -> Iterator[tuple[str, int, bytes]]:
    """Yield path, mode and content of each file that is code."""
    if revision is None:
        yield from _of_working_tree(root)
    else:
        yield from _of_commit(root, revision)


def _of_working_tree(root: Path) -> Iterator[tuple[str, int, bytes]]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        hint = "run in a clone of the project, with git installed"
        raise BreathlineError("Git does not know which files are the project's.", where=root, hint=hint) from error
    for name in sorted(filter(None, listed.split("\0"))):
        if _is_code(name) and (root / name).is_file():
            yield name, (root / name).stat().st_mode & 0o777, (root / name).read_bytes()


def _of_commit(root: Path, revision: str) -> Iterator[tuple[str, int, bytes]]:
    command = ["git", "archive", "--format=tar", commit_of(root, revision)]
    done = subprocess.run(command, cwd=root, capture_output=True, check=False)
    if done.returncode:
        raise BreathlineError(
            f"Git does not give the files of {revision}: {done.stderr.decode(errors='replace').strip()}", where=root
        )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None and _is_code(member.name):
                yield member.name, member.mode & 0o777, file.read()


def _is_code(name: str) -> bool:
    return Path(name).parts[0] not in NOT_CODE


def _bring(path: Path, mode: int, content: bytes) -> None:
    """Write a file where it differs; one that stays keeps its time, by which DVC knows it."""
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    path.chmod(mode)
