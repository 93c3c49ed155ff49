"""Atomic writing of files, and their hashes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.runtime.disk_errors import disk_errors

if TYPE_CHECKING:
    import pyarrow as pa


@contextmanager
def replacing(path: Path, *, needed: int | None = None) -> Iterator[Path]:
    """Yield a temporary path that replaces ``path`` when the block ends without an error.

    Args:
        path: File to write.
        needed: Size of the file in bytes, if it is known.

    Raises:
        DiskError: The disk refuses the file, for example because it is full.
    """
    with disk_errors(path, needed=needed):
        temporary = _temporary(path)
        try:
            yield temporary
            temporary.chmod(0o644)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def require_writable(path: Path) -> None:
    """Check that a file can be written, before the work whose result it will hold.

    Raises:
        DiskError: The disk or the path refuses the file.
    """
    with disk_errors(path):
        _temporary(path).unlink()
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))


def _temporary(path: Path) -> Path:
    """Return a new empty file in the folder of ``path``, which is created if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    return Path(name)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON with sorted keys: equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table as Parquet (zstd), whole or not at all."""
    import pyarrow.parquet as pq  # as long to import as numpy, and most writers of files need none

    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
