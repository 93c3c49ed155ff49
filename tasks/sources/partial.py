"""Incomplete downloads, kept so that they can be resumed."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tasks.runtime.files import write_json


class Partial:
    """Fetched part of one URL, in ``<name>.<hash>.part`` beside the target, with a small ``.json``.

    The hash is that of the URL without its query, which may hold a signature: at the next attempt, this is another one.

    Attributes:
        path: Path of the fetched part.
        size: Size of the fetched part in bytes.
        total: Size of the whole file in bytes, if it is known.
        content_type: Type of the content that the server states.
        validator: Server's mark of the file's version: a strong ETag, or the date of its last change (RFC 9110,
            13.1.5). Without it, a download cannot be resumed.
    """

    def __init__(self, target: Path, url: str) -> None:
        place = url.partition("?")[0]
        self.path = target.with_name(f"{target.name}.{hashlib.sha256(place.encode()).hexdigest()[:12]}.part")
        self._card = self.path.with_suffix(".json")
        self._hash = hashlib.sha256()
        self.size = 0
        self.total: int | None = None
        self.content_type: str | None = None
        self.validator: str | None = None
        card = self._read_card()
        if self.path.exists() and card is not None:
            self.total, self.validator, self.content_type = card["total"], card["validator"], card.get("content_type")
            with self.path.open("rb") as file:
                self._hash = hashlib.file_digest(file, "sha256")
            self.size = self.path.stat().st_size

    def _read_card(self) -> dict[str, Any] | None:
        """Return what the server said of the file; None if nothing is kept, or nothing that can be read."""
        try:
            card = json.loads(self._card.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return card if isinstance(card, dict) and {"total", "validator"} <= card.keys() else None

    def begin(self, total: int | None, validator: str | None, content_type: str | None) -> None:
        """Delete the fetched part and start again."""
        self.drop()
        self.total, self.validator, self.content_type = total, validator, content_type
        write_json(self._card, {"total": total, "validator": validator, "content_type": content_type})
        self.path.touch()

    def drop(self) -> None:
        """Delete the fetched part."""
        self.path.unlink(missing_ok=True)
        self._card.unlink(missing_ok=True)
        self._hash, self.size, self.total, self.validator = hashlib.sha256(), 0, None, None

    @contextmanager
    def appending(self) -> Iterator[Callable[[bytes], None]]:
        """Yield a function that appends bytes."""
        with self.path.open("ab") as file:

            def append(chunk: bytes) -> None:
                file.write(chunk)
                self._hash.update(chunk)
                self.size += len(chunk)

            yield append

    @property
    def received(self) -> str:
        """Type, size and first bytes of the fetched part, for error messages."""
        with self.path.open("rb") as file:
            start = file.read(16)
        return f"{self.size:,} bytes of the type {self.content_type or 'unknown'}, which begin with {start!r}"

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
