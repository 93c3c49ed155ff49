"""Workspaces: folders with the project's code, parameters of their own, and the project's DVC cache.

Workspaces and the project share outs through the cache. A workspace is not a Git repository. Runs in a workspace do not
change the project.
"""

import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.dvc_repository import open_repo
from flows.recipes.params_text import PARAMS
from lineage.git import INDEX, ORIGIN, ask_git, git, git_bytes, prefix
from tasks import artifacts
from tasks.corpora.settings import SECTIONS
from tasks.runtime import yaml_files
from tasks.runtime.errors import BreathlineError
from tasks.runtime.faults import mapping_at
from tasks.runtime.files import replacing, write_json

# Outs of stages, files written for each workspace, folders that no stage reads, and the workspaces themselves.
GENERATED = (str(artifacts.DATA), str(artifacts.REPORTS), "dvc.lock", str(PARAMS))
NOT_CODE = (*GENERATED, "benchmarks", "docs", "tests", ".backfill", ".leaderboard", ".locks")
WEIGHTS = "BREATHLINE_WEIGHTS"


def update_code(root: Path, workspace: Path, cache: Path, *, revision: str | None = None) -> None:
    """Copy the code of the working tree, with uncommitted changes, or of a commit into a workspace.

    The outs of earlier runs stay, so that only changed stages run again.

    Args:
        root: Folder of the project.
        workspace: Folder of the workspace; created if missing.
        cache: Folder of DVC's cache, which all workspaces share with the project (`cache_of`).
        revision: Name of the commit; None for the working tree.
    """
    # DVC cannot template a list of deps: the folder of teachers is a dep, even without teachers.
    (workspace / artifacts.TEACHERS).mkdir(parents=True, exist_ok=True)
    wanted: set[Path] = set()
    for name, mode, content in _files_at_commit(root, revision) if revision else _files_of_working_tree(root):
        wanted.add(Path(name))
        _write_changed(workspace / name, mode, content)
    for folder in {name.parts[0] for name in wanted if len(name.parts) > 1} - {".dvc"}:
        for path in (workspace / folder).rglob("*"):
            if path.is_file() and path.relative_to(workspace) not in wanted and "__pycache__" not in path.parts:
                path.unlink()
    _write_origin(root, workspace, revision)
    # Copies if the file system has no reflinks: a write through a hard link would damage the cache unnoticed.
    (workspace / ".dvc" / "config.local").write_text(
        f'[core]\n    no_scm = true\n[cache]\n    dir = {cache}\n    type = "reflink,copy"\n', encoding="utf-8"
    )


def _write_origin(root: Path, workspace: Path, revision: str | None) -> None:
    """Write the commit of a workspace's code, which the records of its stages will contain, and an index for Git.

    The index holds the files of the commit or those of the project's index, by their paths below the project.
    """
    commit = commit_of(root, revision) if revision else ask_git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    origin = {
        "project": str(root.resolve()),
        "prefix": prefix(root),
        "git": git(root, "rev-parse", "--absolute-git-dir"),
        "commit": commit,
        "left_out": [name for name in NOT_CODE if name not in (*GENERATED, ".locks")],
    }
    (workspace / ORIGIN).parent.mkdir(exist_ok=True)
    write_json(workspace / ORIGIN, origin)
    listed = (
        git_bytes(root, "ls-tree", "-r", "-z", str(commit)) if revision else git_bytes(root, "ls-files", "-s", "-z")
    )
    with replacing(workspace / INDEX) as temporary:
        temporary.unlink()
        index = {"GIT_INDEX_FILE": str(temporary.resolve())}
        git(root, "update-index", "-z", "--index-info", env=index, stdin=listed)


def params_text(root: Path, revision: str | None = None) -> str:
    """Return the text of params.yaml, in the working tree or at a commit.

    Raises:
        BreathlineError: There is no such commit or file, or the file is not YAML.
    """
    path = root / PARAMS
    if revision is None:
        text = yaml_files.read_text(path)
    else:
        text = git(root, "show", f"{commit_of(root, revision)}:./{PARAMS}") + "\n"
        path = Path(f"{revision}:{PARAMS}")
    yaml_files.as_mapping(yaml_files.parse(text, path), path)
    return text


def commit_of(root: Path, revision: str) -> str:
    """Return the full id of a commit from any of its names."""
    try:
        return git(root, "rev-parse", "--verify", f"{revision}^{{commit}}")
    except BreathlineError as error:
        hint = "a tag, a branch or a commit's id; `git log --oneline` lists them"
        raise BreathlineError(f"There is no revision `{revision}`.", where=root, hint=hint) from error


def make_paths_absolute(root: Path, read: Mapping[str, Any]) -> None:
    """Make the paths of all corpora in the content of a params.yaml absolute, so that they are valid in any workspace.

    Commits of before corpora had names have one section `download` instead.
    """
    items: list[Any] = [item for section in SECTIONS.values() for item in mapping_at(read, (section,)).values()]
    for item in [*items, mapping_at(read, ("download",))]:
        for key in ("path", "metadata"):
            if item.get(key):
                item[key] = str((root / item[key]).resolve())


def absolute_weights() -> None:
    """Make the path in `BREATHLINE_WEIGHTS`, if set, absolute, so that it is valid in workspaces, too."""
    if folder := os.environ.get(WEIGHTS):
        os.environ[WEIGHTS] = str(Path(folder).resolve())


def cache_of(root: Path) -> Path:
    """Return the folder of the project's DVC cache."""
    with open_repo(root) as repo:
        # The last part of the path is the version of DVC's cache format.
        return Path(repo.cache.local_cache_dir)


def _files_of_working_tree(root: Path) -> Iterator[tuple[str, int, bytes]]:
    """Yield path, mode and content of each code file."""
    listed = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in sorted(filter(None, listed.split("\0"))):
        if _is_code(name) and (root / name).is_file():
            yield name, (root / name).stat().st_mode & 0o777, (root / name).read_bytes()


def _files_at_commit(root: Path, revision: str) -> Iterator[tuple[str, int, bytes]]:
    """Yield path, mode and content of each code file at a commit."""
    archived = git_bytes(root, "archive", "--format=tar", commit_of(root, revision))
    with tarfile.open(fileobj=io.BytesIO(archived)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None and _is_code(member.name):
                yield member.name, member.mode & 0o777, file.read()


def _is_code(name: str) -> bool:
    return Path(name).parts[0] not in NOT_CODE


def _write_changed(path: Path, mode: int, content: bytes) -> None:
    """Write a file if it differs; an equal file keeps its modification time, so that DVC does not hash it again."""
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    path.chmod(mode)
