"""Runs of stages that some store still names: dvc.lock of the project, of commits and workspaces, DVC's run-cache.

A run is known by the MD5 of what its stage read and made.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from lineage import dvc_storage, lock_history
from lineage.dvc_storage import Cache
from lineage.git import ask_git, ask_git_bytes, tree_at

WORKSPACES = (".leaderboard", ".backfill")


@dataclass(frozen=True)
class StoredRun:
    """A run of a stage: MD5 of deps and outs by path; that of a folder ends in ``.dir``."""

    deps: Mapping[str, str]
    outs: Mapping[str, str]


@dataclass(frozen=True)
class StoredGraph:
    """Runs that one store names together, such as those of one dvc.lock."""

    where: str  # description of the store
    runs: tuple[StoredRun, ...]
    path: Path | None = None  # entry of the run-cache
    blob: str | None = None  # Git's name of a dvc.lock
    commits: tuple[str, ...] = ()  # commits that wrote this dvc.lock


def read(root: Path, cache: Cache, unread: list[str]) -> list[StoredGraph]:
    """Return the runs of all stores: the project's dvc.lock first, then workspaces, commits, the run-cache.

    Args:
        root: Root of the project.
        cache: DVC's cache.
        unread: List that gets each dvc.lock that cannot be read, so that its runs are unknown.
    """
    found = [*_locks(root, unread), *_commits(root, unread)]
    return [*found, *(graph for folder in runs_of(cache) for graph in run_cache(folder))]


def _locks(root: Path, unread: list[str]) -> Iterator[StoredGraph]:
    """Yield the dvc.lock of the project, and those of its workspaces."""
    folders = [root, *(path for name in WORKSPACES for path in sorted((root / name).glob("*/")))]
    for folder in folders:
        path = folder / dvc_storage.LOCK
        if path.is_file():
            yield from _known(_graph(path.relative_to(root).as_posix(), path.read_bytes()), str(path), unread)


def _known(graph: StoredGraph | None, where: str, unread: list[str]) -> Iterator[StoredGraph]:
    if graph is None:
        unread.append(f"{where}: its runs cannot be read")
    else:
        yield graph


def _commits(root: Path, unread: list[str]) -> Iterator[StoredGraph]:
    """Yield each different dvc.lock of all commits that Git still names."""
    commits = lock_history.commits(root)
    listed = ask_git(root, "log", "--all", "--max-count=1", "--format=%H", "--", dvc_storage.LOCK)
    if not commits and listed != "" and ask_git(root, "rev-parse", "--git-dir") is not None:
        unread.append("Git: the commits of dvc.lock cannot be listed (`git fsck` says more)")
    blobs: dict[str, list[str]] = {}
    for commit, blob in locks_at(root, commits).items():
        blobs.setdefault(blob, []).append(commit)
    for blob, written in blobs.items():
        data = ask_git_bytes(root, "cat-file", "blob", blob) or b""
        where = f"commit {written[-1][:12]}"
        for graph in _known(_graph(where, data), f"{dvc_storage.LOCK} of {where}", unread):
            yield replace(graph, blob=blob, commits=tuple(written))


def locks_at(root: Path, revisions: Sequence[str]) -> dict[str, str]:
    """Return Git's name of the dvc.lock of each revision that has one."""
    names = "".join(f"{tree_at(root, revision)}{dvc_storage.LOCK}\n" for revision in revisions).encode()
    answers = ask_git_bytes(root, "cat-file", "--batch-check=%(objectname)", stdin=names) if revisions else b""
    found = zip(revisions, (answers or b"").decode().splitlines(), strict=False)
    return {revision: blob for revision, blob in found if " " not in blob}  # else: "... missing"


def runs_of(cache: Cache) -> list[Path]:
    """Return the folders of a run-cache: one for each run, with a file for each of its results."""
    return sorted((cache.folder / "runs").glob("??/*"))


def run_cache(folder: Path) -> Iterator[StoredGraph]:
    """Yield the entries of a folder of the run-cache; an entry that cannot be read has no runs."""
    for path in sorted(folder.glob("*")):
        graph = _graph(f"run-cache {path.name[:12]}", path.read_bytes(), single=True)
        yield replace(graph or StoredGraph("run-cache", ()), path=path)


def _graph(where: str, data: bytes, *, single: bool = False) -> StoredGraph | None:
    """Return the runs of a dvc.lock, or of an entry of the run-cache; None if it cannot be read."""
    try:
        read = YAML(typ="safe").load(data)  # in C, a hundred times as fast as the reader that keeps positions
        stages = [read] if single else read["stages"].values()
        runs = [StoredRun(_md5(stage, "deps"), _md5(stage, "outs")) for stage in stages]
    except (YAMLError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return StoredGraph(where, tuple(runs))


def of_record(record: Any, md5_of: Mapping[str, str]) -> StoredRun | None:
    """Return the run of a record, whose files are known by SHA-256; None if it has another form.

    Args:
        record: Record of a stage.
        md5_of: MD5 of the objects in the cache by SHA-256.
    """
    try:
        files = {
            kind: {
                str(file["path"]): md5_of.get(file["sha256"], str(file["sha256"]))
                for entry in record[kind]
                for file in entry.get("files", [entry])
            }
            for kind in ("inputs", "outputs")
        }
    except (KeyError, TypeError, AttributeError):
        return None
    return StoredRun(files["inputs"], files["outputs"])


def _md5(stage: Mapping[str, Any], kind: str) -> dict[str, str]:
    return {str(entry["path"]): str(entry["md5"]) for entry in stage.get(kind) or () if "md5" in entry}


def json_of(path: Path) -> Any:
    """Return the value of a JSON file, or None for another file."""
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
