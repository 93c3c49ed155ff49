"""Incomplete downloads, kept so that they can be resumed."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from tasks.runtime.files import write_json


class Partial:
    """Fetched part of one URL, in ``<name>.<hash of the URL>.part`` beside the target, with a small ``.json``.

    Attributes:
        path: Path of the fetched part.
        size: Size of the fetched part in bytes.
        total: Size of the whole file in bytes, if it is known.
        validator: Server's mark of the file's version: a strong ETag, or the date of its last change (RFC 9110,
            13.1.5). Without it, a download cannot be resumed.
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
        """Delete the fetched part and start again."""
        self.drop()
        self.total, self.validator = total, validator
        write_json(self._card, {"total": total, "validator": validator})
        self.path.touch()

    def drop(self) -> None:
        """Delete the fetched part."""
        self.path.unlink(missing_ok=True)
        self._card.unlink(missing_ok=True)
        self._hash, self.size, self.total, self.validator = hashlib.sha256(), 0, None, None

    def extend(self, chunks: Iterable[bytes]) -> Iterable[int]:
        """Append chunks, and yield the size after each one."""
        with self.path.open("ab") as file:
            for chunk in chunks:
                file.write(chunk)
                self._hash.update(chunk)
                self.size += len(chunk)
                yield self.size

    @property
    def sha256(self) -> str:
        """The SHA-256 of the fetched part in hexadecimal."""
        return self._hash.hexdigest()

    def finish(self, target: Path) -> None:
        """Write the complete file to the disk and rename it to the target."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(self.path, target)
        self._card.unlink(missing_ok=True)
