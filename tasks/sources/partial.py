"""The beginning of a file that is being fetched, kept so that the rest can be added later."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from tasks.runtime.files import write_json


class Partial:
    """What has come so far of one URL, and by what to know that the rest belongs to it.

    It lies beside the target as ``<name>.<hash of the URL>.part``, with a small ``.json``. `size` is in bytes, `total`
    the size of the whole where it is known; `validator` is the server's mark of this version of the file (RFC 9110,
    13.1.5: a strong ETag, or the date of its last change). Without a validator there is nothing to go on from.
    """

    def __init__(self, target: Path, url: str) -> None:
        self.path = target.with_name(f"{target.name}.{hashlib.sha256(url.encode()).hexdigest()[:12]}.part")
        self._card = self.path.with_suffix(".json")
        self._hash = hashlib.sha256()
        self.size = 0
        self.total: int | None = None
        self.validator: str | None = None
        if self.path.exists() and self._card.exists():
            card = json.loads(self._card.read_text(encoding="utf-8"))
            self.total, self.validator = card["total"], card["validator"]
            with self.path.open("rb") as file:
                self._hash = hashlib.file_digest(file, "sha256")
            self.size = self.path.stat().st_size

    def begin(self, total: int | None, validator: str | None) -> None:
        """Drop what is there and start anew."""
        self.drop()
        self.total, self.validator = total, validator
        write_json(self._card, {"total": total, "validator": validator})
        self.path.touch()

    def drop(self) -> None:
        """Remove what is there."""
        self.path.unlink(missing_ok=True)
        self._card.unlink(missing_ok=True)
        self._hash, self.size, self.total, self.validator = hashlib.sha256(), 0, None, None

    def extend(self, chunks: Iterable[bytes]) -> Iterable[int]:
        """Add what comes, and yield the size after every chunk."""
        with self.path.open("ab") as file:
            for chunk in chunks:
                file.write(chunk)
                self._hash.update(chunk)
                self.size += len(chunk)
                yield self.size

    @property
    def sha256(self) -> str:
        """The SHA-256, in hexadecimal, of what is there."""
        return self._hash.hexdigest()

    def finish(self, target: Path) -> None:
        """Make it the target: from here on it is whole, and on the disk."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(self.path, target)
        self._card.unlink(missing_ok=True)
