"""Hashes of what lies there, each file read once: SHA-256 as in records, MD5 as in dvc.lock and DVC's cache."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 20  # bytes
THREADS = 8  # hashing leaves Python's lock


@dataclass(frozen=True)
class Digests:
    """Of a file's bytes, in hexadecimal."""

    sha256: str
    md5: str
    size: int


class Hashes:
    """The hashes of a project's files, kept by inode: a hard link into DVC's cache is read once with its target.

    Args:
        root: The project, to which relative paths belong.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[tuple[int, int], Digests] = {}

    def prefetch(self, paths: Iterable[Path | str]) -> None:
        """Hash files side by side; those that are not there are passed over."""
        with ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as pool:
            for _ in pool.map(self.of, dict.fromkeys(paths)):
                pass

    def of(self, path: Path | str) -> Digests | None:
        """Return the hashes of a file, or none where there is none."""
        full = self.root / path
        try:
            about = full.stat()
            if not full.is_file():
                return None
            key = (about.st_dev, about.st_ino)
            if key not in self._known:
                self._known[key] = _read(full)
            return self._known[key]
        except FileNotFoundError:
            return None

    @property
    def read(self) -> tuple[int, int]:
        """How many files were read, and how many bytes."""
        return len(self._known), sum(one.size for one in self._known.values())

    def size(self, path: str) -> int:
        """Return the bytes of a file, or of all files that DVC counts in a folder."""
        names = self._below(path) if (self.root / path).is_dir() else [path]
        return sum(found.size for name in names if (found := self.of(name)))

    def listing(self, folder: str) -> list[str]:
        """Return the paths of all files in a folder and below, sorted, without what Python and Git leave there."""
        return [name for name in self._below(folder) if not name.endswith("/.gitignore")]

    def _below(self, folder: str) -> list[str]:
        found = (path.relative_to(self.root) for path in (self.root / folder).rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in found if path.suffix != ".pyc" and "__pycache__" not in path.parts)

    def dvc(self, path: str) -> str | None:
        """Return what DVC calls the MD5 of a path: of a folder, that of its listing, with the suffix ``.dir``.

        The listing is JSON of ``{"md5", "relpath"}``, by `relpath` (https://dvc.org/doc, "Structure of the cache"); DVC
        lists `.gitignore` files as well, and leaves out what the project's `.dvcignore` names.
        """
        if not (self.root / path).is_dir():
            found = self.of(path)
            return found.md5 if found else None
        entries = []
        for name in self._below(path):
            file = self.of(name)
            if file is not None:
                entries.append({"md5": file.md5, "relpath": Path(name).relative_to(path).as_posix()})
        entries.sort(key=lambda entry: entry["relpath"])
        text = json.dumps(entries, sort_keys=True)
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"


def _read(path: Path) -> Digests:
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with path.open("rb", buffering=0) as file:
        while part := file.read(CHUNK):
            sha256.update(part)
            md5.update(part)
            size += len(part)
    return Digests(sha256.hexdigest(), md5.hexdigest(), size)
