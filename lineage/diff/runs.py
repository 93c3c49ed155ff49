"""The two sides of a comparison: a folder as it lies there, or a Git revision with what DVC's cache has of it."""

from __future__ import annotations

import configparser
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from lineage.git import ask_git_bytes
from tasks.artifacts import RECORDS
from tasks.runtime.errors import BreathlineError


class Side(ABC):
    """A run, with its files under the paths that they have in a project.

    Attributes:
        name: What the user called it.
        where: The folder, or the revision's commit.
    """

    name: str
    where: str

    @abstractmethod
    def path(self, name: str) -> Path | None:
        """Return a file that holds the bytes of an artifact, under whatever name; none where it is not there."""

    @abstractmethod
    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file, tracked by Git or by DVC; none where it is not there."""

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """Return the paths of the artifacts in a folder and below, sorted."""

    def json(self, name: str) -> dict[str, Any]:
        """Return what a JSON file holds; nothing where it is not there.

        Raises:
            BreathlineError: It is no JSON.
        """
        data = self.read(name)
        if data is None:
            return {}
        try:
            loaded: dict[str, Any] = json.loads(data)
        except ValueError as error:
            where = f"{name} of {self.name}"
            raise BreathlineError("This is no JSON.", where=where, hint="`breathline audit verify`") from error
        return loaded

    @cached_property
    def records(self) -> Mapping[str, Mapping[str, Any]]:
        """The records of the stages that have one, by stage."""
        names = [name for name in self.names(str(RECORDS)) if name.endswith(".json")]
        return {Path(name).stem: found for name in names if (found := self.json(name))}


class Folder(Side):
    """A project or workspace as it lies there."""

    def __init__(self, name: str, root: Path) -> None:
        self.name, self.root, self.where = name, root, str(root)

    def path(self, name: str) -> Path | None:
        """Return the file itself."""
        path = self.root / name
        return path if path.is_file() else None

    def read(self, name: str) -> bytes | None:
        """Return the bytes that lie there."""
        path = self.path(name)
        return path.read_bytes() if path else None

    def names(self, folder: str) -> list[str]:
        """Return the paths of the files in a folder and below."""
        paths = (self.root / folder).rglob("*")
        return sorted(str(path.relative_to(self.root)) for path in paths if path.is_file())


class Revision(Side):
    """A commit: small files from Git, artifacts from DVC's cache by the MD5 that its `dvc.lock` names."""

    def __init__(self, name: str, root: Path, commit: str) -> None:
        self.name, self.root, self.where = name, root, commit

    def path(self, name: str) -> Path | None:
        """Return the cache's object."""
        digest = self._outs.get(name)
        path = self._object(digest) if digest else None
        return path if path and path.is_file() else None

    def read(self, name: str) -> bytes | None:
        """Return the bytes from the cache, or from Git."""
        path = self.path(name)
        return path.read_bytes() if path else ask_git_bytes(self.root, "show", f"{self.where}:./{name}")

    def names(self, folder: str) -> list[str]:
        """Return the paths that `dvc.lock` names in a folder and below."""
        return sorted(name for name in self._outs if Path(name).is_relative_to(folder))

    @cached_property
    def _outs(self) -> dict[str, str]:
        """The MD5 of each file of each out, by path; of a folder whose listing is not in the cache, nothing."""
        lock = ask_git_bytes(self.root, "show", f"{self.where}:./dvc.lock")
        if lock is None:
            hint = "name one in which dvc.lock was committed, or a folder with a run"
            raise BreathlineError("This revision has no dvc.lock: what ran is not known.", where=self.name, hint=hint)
        found: dict[str, str] = {}
        for stage in (YAML(typ="safe").load(lock.decode()).get("stages") or {}).values():
            for out in stage.get("outs", ()):
                digest, path = str(out["md5"]), str(out["path"])
                if not digest.endswith(".dir"):
                    found[path] = digest
                elif (listing := self._object(digest)).is_file():
                    found |= {f"{path}/{file['relpath']}": file["md5"] for file in json.loads(listing.read_text())}
        return found

    def _object(self, digest: str) -> Path:
        return self._cache / "files" / "md5" / digest[:2] / digest[2:]

    @cached_property
    def _cache(self) -> Path:
        return cache_of(self.root)


def cache_of(root: Path) -> Path:
    """Return the folder of a project's DVC cache, as `.dvc/config` and `.dvc/config.local` name it."""
    folder = root / ".dvc"
    config = configparser.ConfigParser(interpolation=None, strict=False)
    config.read([folder / "config", folder / "config.local"], encoding="utf-8")
    return (folder / config.get("cache", "dir", fallback="cache")).resolve()


def opened(name: str, root: Path) -> Side:
    """Return one side of a comparison.

    Args:
        name: ``.`` for the project itself, another folder with a run, or a Git revision.
        root: The project.

    Raises:
        BreathlineError: It is neither.
    """
    folder = (root / name).resolve()
    if folder.is_dir() and (folder / "dvc.yaml").is_file():
        return Folder(name, folder)
    commit = ask_git_bytes(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if commit is not None:
        return Revision(name, root, commit.decode().strip())
    hint = "such as HEAD~1, a tag, `.`, or .leaderboard/<recipe>"
    raise BreathlineError(f"`{name}` is no Git revision, and no folder with a dvc.yaml.", where=root, hint=hint)
