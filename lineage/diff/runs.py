"""Runs that can be compared: a folder on disk, or a Git revision with the files that DVC's cache holds of it."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa

from lineage import dvc_storage, versions
from lineage.git import ask_git, file_at
from tasks.artifacts import RECORDINGS, RECORDS, CorpusFolders, Role
from tasks.runtime.artifact_reading import read_table
from tasks.runtime.errors import BreathlineError


class Run(ABC):
    """A run, whose files have the same paths as in the project."""

    name: str  # name that the user gave
    where: str  # the folder, or the revision's commit

    @abstractmethod
    def path(self, name: str) -> Path | None:
        """Return a file with the bytes of an artifact, or None if they are missing."""

    @abstractmethod
    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file that Git or DVC tracks, or None if it is missing."""

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """Return the paths of all artifacts below a folder, sorted."""

    def json(self, name: str) -> dict[str, Any]:
        """Return the value of a JSON file; empty if the file is missing.

        Raises:
            BreathlineError: The file is not valid JSON.
        """
        data = self.read(name)
        if data is None:
            return {}
        try:
            loaded: dict[str, Any] = json.loads(data)
        except ValueError as error:
            where = f"{name} of {self.name}"
            raise BreathlineError(
                "The file is not valid JSON.", where=where, hint="`breathline audit verify`"
            ) from error
        return loaded

    def table(self, name: str, columns: list[str] | None = None) -> pa.Table | None:
        """Return a Parquet table, or None if it is missing."""
        path = self.path(name)
        return None if path is None else read_table(path, columns)

    @cached_property
    def records(self) -> Mapping[str, Mapping[str, Any]]:
        """The records of the stages that have one, by stage."""
        names = [name for name in self.names(str(RECORDS)) if name.endswith(".json")]
        return {Path(name).stem: found for name in names if (found := self.json(name))}

    @cached_property
    def corpora(self) -> list[CorpusFolders]:
        """The corpora of which the run has a table of recordings, those to learn from first."""
        found = []
        for role in get_args(Role):
            paths = map(Path, self.names(CorpusFolders(role, "*").tables.parent.as_posix()))
            found += [CorpusFolders(role, path.parent.name) for path in paths if path.name == RECORDINGS.name]
        return found


class FolderRun(Run):
    """The files of a project or workspace on disk."""

    def __init__(self, name: str, root: Path) -> None:
        self.name, self.root, self.where = name, root, str(root)

    def path(self, name: str) -> Path | None:
        """Return the file itself."""
        path = self.root / name
        return path if path.is_file() else None

    def read(self, name: str) -> bytes | None:
        """Return the bytes of the file."""
        path = self.path(name)
        return path.read_bytes() if path else None

    def names(self, folder: str) -> list[str]:
        """Return the paths of the files below a folder."""
        paths = (self.root / folder).rglob("*")
        return sorted(str(path.relative_to(self.root)) for path in paths if path.is_file())


class RevisionRun(Run):
    """A commit: small files from Git, artifacts from DVC's cache by the MD5 in its `dvc.lock`."""

    def __init__(self, name: str, root: Path, commit: str) -> None:
        self.name, self.root, self.where = name, root, commit

    def path(self, name: str) -> Path | None:
        """Return the object in the cache."""
        md5 = self._md5.get(name)
        path = self._cache.object(md5) if md5 else None
        return path if path and path.is_file() else None

    def read(self, name: str) -> bytes | None:
        """Return the bytes from the cache, or else from Git."""
        path = self.path(name)
        return path.read_bytes() if path else file_at(self.root, self.where, name)

    def names(self, folder: str) -> list[str]:
        """Return the paths below a folder that `dvc.lock` names."""
        return sorted(name for name in self._md5 if Path(name).is_relative_to(folder))

    @cached_property
    def _md5(self) -> dict[str, str]:
        """The MD5 of each file of all outs, by path, except in folders whose listing the cache does not hold."""
        lock = file_at(self.root, self.where, dvc_storage.LOCK)
        if lock is None:
            raise BreathlineError(
                "The revision has no dvc.lock, so its run is unknown.",
                where=self.name,
                hint="name a revision in which dvc.lock was committed, or a folder with a run",
            )
        found: dict[str, str] = {}
        for _, path, md5 in dvc_storage.entries(dvc_storage.read_lock(lock), "outs"):
            found |= self._cache.files(path, md5)
        return found

    @cached_property
    def _cache(self) -> dvc_storage.Cache:
        return dvc_storage.cache_of(self.root)


def open_run(name: str, root: Path) -> Run:
    """Return the run with a name; see `find_run`.

    Raises:
        BreathlineError: No folder, revision or experiment has the name.
    """
    found = find_run(name, root)
    if found is None:
        hint = "such as HEAD~1, a tag, an experiment of DVC, `.`, or .leaderboard/<recipe>"
        what = f"`{name}` is neither a Git revision nor a folder with a dvc.yaml."
        raise BreathlineError(what, where=root, hint=hint)
    return found


def find_run(name: str, root: Path) -> Run | None:
    """Return the run with a name; None if there is none.

    Args:
        name: ``.`` for the project itself, another folder with a run, a Git revision, or an experiment of DVC.
        root: Root of the project.

    Raises:
        BreathlineError: Several experiments have the name.
    """
    folder = (root / name).resolve()
    if folder.is_dir() and (folder / "dvc.yaml").is_file():
        return FolderRun(name, folder)
    commit = versions.commit_of(root, name) or _experiment(root, name)
    return None if commit is None else RevisionRun(name, root, commit)


def _experiment(root: Path, name: str) -> str | None:
    """Return the commit of an experiment, which DVC keeps as ``refs/exps/<baseline in two parts>/<name>``."""
    listed = ask_git(root, "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps") or ""
    refs = [(commit, ref.split("/")) for commit, ref in (line.split(" ", 1) for line in listed.splitlines())]
    found = {commit for commit, parts in refs if len(parts) == 5 and parts[-1] == name}
    if len(found) > 1:
        hint = f"name one by its commit: {', '.join(sorted(commit[:9] for commit in found))}"
        raise BreathlineError(f"{len(found)} experiments are called `{name}`.", where=root, hint=hint)
    return next(iter(found), None)
