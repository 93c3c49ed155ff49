"""MD5 hashes as DVC has them, but of the bytes that lie here now: DVC's own database of known hashes is not asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvc.repo import Repo

FOLDER = ".dir"


@dataclass
class Contents:
    """Hashes what lies in a project and in its cache, and counts it.

    Attributes:
        root: The project.
        repo: The same, as DVC sees it.
        jobs: How many files are read at once.
        files: How many files were hashed so far.
        size: How many bytes that were.
    """

    root: Path
    repo: Repo
    jobs: int = 2
    files: int = 0
    size: int = 0
    _objects: dict[str, str | None] = field(default_factory=dict)

    def here(self, path: str) -> tuple[str, dict[str, str]] | None:
        """Return the hash of a file or folder of the project, and those of a folder's files, by path below it.

        Returns:
            None where nothing lies there.
        """
        from dvc.fs import localfs
        from dvc_data.hashfile.build import build
        from dvc_data.hashfile.db import HashFileDB
        from dvc_data.hashfile.tree import Tree

        # A database of objects that knows no hashes yet; nothing is added to it.
        fresh = HashFileDB(localfs, self.repo.cache.local.path)
        try:
            _, meta, found = build(
                fresh,
                str(self.root / path),
                localfs,
                "md5",
                dry_run=True,
                ignore=self.repo.dvcignore,
                checksum_jobs=self.jobs,
            )
        except FileNotFoundError:
            return None
        files = {"/".join(key): str(one.value) for key, _, one in found} if isinstance(found, Tree) else {}
        self.files += len(files) or 1
        self.size += meta.size or 0
        return str(found.hash_info.value), files

    def beside(self, path: str, outs: Iterable[str]) -> dict[str, str]:
        """Return the hashes of a folder's files that belong to none of these outs, by path below the folder."""
        from dvc.fs import localfs

        folder, made = self.root / path, [self.root / out for out in outs]
        found = map(Path, self.repo.dvcignore.find(localfs, str(folder)))
        return {
            file.relative_to(folder).as_posix(): _md5(file)
            for file in found
            if not any(file.is_relative_to(out) for out in made)
        }

    def look_at_objects(self, names: Iterable[str]) -> None:
        """Hash objects of DVC's cache, each once."""
        new = sorted({*names} - {*self._objects})
        paths = [self.object(name) for name in new]
        with ThreadPoolExecutor(self.jobs) as pool:
            self._objects |= dict(zip(new, pool.map(_md5_or_none, paths), strict=True))
        there = [path.stat().st_size for path in paths if path.is_file()]
        self.files += len(there)
        self.size += sum(there)

    def fault(self, name: str) -> str | None:
        """Return what is wrong with an object of the cache that was looked at, or None."""
        found = self._objects[name]
        if found is None:
            return "is missing"
        return None if found == name.removesuffix(FOLDER) else f"is {found[:8]} by its bytes"

    def object(self, name: str) -> Path:
        """Return where the cache has an object."""
        return Path(self.repo.cache.local.oid_to_path(name))

    def listed(self, name: str) -> dict[str, str] | None:
        """Return the files of a folder, with their hashes, as an intact object of the cache lists them."""
        self.look_at_objects([name])
        if self.fault(name):
            return None
        return {one["relpath"]: one["md5"] for one in json.loads(self.object(name).read_bytes())}


def of_folder(files: Mapping[str, str]) -> str:
    """Return the hash of a folder by those of its files."""
    from dvc_data.hashfile.tree import Tree

    tree = Tree.from_list([{"relpath": path, "md5": md5} for path, md5 in files.items()])
    tree.digest()
    return str(tree.hash_info.value)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _md5_or_none(path: Path) -> str | None:
    return _md5(path) if path.is_file() else None
