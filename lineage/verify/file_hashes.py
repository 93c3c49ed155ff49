"""File hashes, each file read once: SHA-256 as in records, MD5 as in dvc.lock and DVC's cache."""

import hashlib
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

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
    """Hashes of a project's files by inode: a file and its hard link in DVC's cache are read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[tuple[int, int], Digests] = {}

    def prefetch(self, paths: Iterable[Path | str]) -> None:
        """Hash files in parallel; missing files are skipped."""
        with ThreadPoolExecutor(min(THREADS, usable_cores())) as pool:
            for _ in pool.map(self.of, dict.fromkeys(paths)):
                pass

    def of(self, path: Path | str) -> Digests | None:
        """Return the hashes of a file, or None if the file is missing."""
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
        """The number of files and of bytes that were read."""
        return len(self._known), sum(one.size for one in self._known.values())

    def size(self, path: str) -> int:
        """Return the size in bytes of a file, or of all files that DVC counts in a folder."""
        names = self._below(path) if (self.root / path).is_dir() else [path]
        return sum(found.size for name in names if (found := self.of(name)))

    def listing(self, folder: str) -> list[str]:
        """Return the paths of all files below a folder, sorted, except compiled modules and `.gitignore` files."""
        return [name for name in self._below(folder) if not name.endswith("/.gitignore")]

    def _below(self, folder: str) -> list[str]:
        found = (path.relative_to(self.root) for path in (self.root / folder).rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in found if path.suffix != ".pyc" and "__pycache__" not in path.parts)

    def dvc(self, path: str) -> str | None:
        """Return the MD5 of a path as in dvc.lock; None if the path is missing.

        The MD5 of a folder is that of its listing, with the suffix ``.dir``. The listing is JSON of
        ``{"md5", "relpath"}``, sorted by `relpath` (https://dvc.org/doc, "Structure of the cache"). It includes
        `.gitignore` files and excludes the paths in the project's `.dvcignore`.
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
