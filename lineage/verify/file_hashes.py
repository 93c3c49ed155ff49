"""File hashes, each file read once: SHA-256 as in records, MD5 as in dvc.lock and DVC's cache."""

import hashlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lineage.files import belongs_to_system
from tasks.runtime.hardware import usable_cores

CHUNK = 1 << 20  # bytes
THREADS = 8  # hashing releases Python's lock


@dataclass(frozen=True)
class Digests:
    """Hashes of a file's bytes, in hexadecimal, and its size in bytes."""

    sha256: str
    md5: str
    size: int


class FileHashes:
    """Hashes of a project's files, of one moment: each file is read once, and each folder is listed once.

    A file and its hard link in DVC's cache have one inode, and are read once as well.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[tuple[int, int], Digests] = {}
        self._of_path = cache(self._hash)
        self._below, self._listed = cache(self._walk), cache(self._list)
        self._of_folder = cache(self._versions_of_folder)

    def prefetch(self, paths: Iterable[Path | str]) -> None:
        """Hash files in parallel; missing files are skipped."""
        with ThreadPoolExecutor(min(THREADS, usable_cores())) as pool:
            for _ in pool.map(self.of, dict.fromkeys(paths)):
                pass

    def of(self, path: Path | str) -> Digests | None:
        """Return the hashes of a file, or None if the file is missing."""
        return self._of_path(os.fspath(path))

    def _hash(self, path: str) -> Digests | None:
        full = self.root / path
        try:
            about = full.stat()
            if not full.is_file():
                return None
            key = (about.st_dev, about.st_ino)
            if key not in self._known:
                self._known[key] = _read(full)
            return self._known[key]
        except (FileNotFoundError, NotADirectoryError):
            return None

    @property
    def read(self) -> tuple[int, int]:
        """The number of files and of bytes that were read."""
        return len(self._known), sum(one.size for one in self._known.values())

    def listing(self, folder: str) -> tuple[str, ...]:
        """Return the paths of all files below a folder that a record lists, sorted.

        Compiled modules, `.gitignore` files and files of the operating system are left out.
        """
        return self._listed(folder)

    def _list(self, folder: str) -> tuple[str, ...]:
        names = (name for name in self._below(folder) if not name.endswith("/.gitignore"))
        return tuple(name for name in names if not belongs_to_system(name))

    def _walk(self, folder: str) -> tuple[str, ...]:
        found = []
        for parent, folders, names in os.walk(self.root / folder):
            folders[:] = [name for name in folders if name != "__pycache__"]
            inside = Path(parent).relative_to(self.root).as_posix()
            found += [f"{inside}/{name}" for name in names if not name.endswith(".pyc")]
        return tuple(sorted(name for name in found if (self.root / name).is_file()))

    def dvc(self, path: str) -> str | None:
        """Return the MD5 of a path as in dvc.lock; None if the path is missing.

        The MD5 of a folder is that of its listing, with the suffix ``.dir``. The listing is JSON of
        ``{"md5", "relpath"}``, sorted by `relpath` (https://dvc.org/doc, "Structure of the cache"). It includes
        `.gitignore` files and excludes the paths in the project's `.dvcignore`.
        """
        return next(iter(self.versions(path)), None)

    def versions(self, path: str) -> dict[str, int]:
        """Return the MD5 of a path as in dvc.lock with its size in bytes; none if the path is missing.

        A folder to which the operating system has added files has a second MD5: that without these files.
        """
        if not (self.root / path).is_dir():
            found = self.of(path)
            return {found.md5: found.size} if found else {}
        return self._of_folder(path)

    def _versions_of_folder(self, path: str) -> dict[str, int]:
        below = [(name, found) for name in self._below(path) if (found := self.of(name))]
        own = [(name, found) for name, found in below if not belongs_to_system(name)]
        return {_md5_of_folder(path, files): sum(found.size for _, found in files) for files in (below, own)}


def _md5_of_folder(path: str, files: Iterable[tuple[str, Digests]]) -> str:
    entries = [{"md5": found.md5, "relpath": name.removeprefix(f"{path}/")} for name, found in files]
    text = json.dumps(sorted(entries, key=lambda entry: entry["relpath"]), sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"


def _read(path: Path) -> Digests:
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with path.open("rb", buffering=0) as file:
        while part := file.read(CHUNK):
            sha256.update(part)
            md5.update(part)
            size += len(part)
    return Digests(sha256.hexdigest(), md5.hexdigest(), size)
