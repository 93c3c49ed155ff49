"""Members of archives and compressed files, as temporary files: zip (also .npz), tar, gzip, bzip2, xz."""

import bz2
import gzip
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

MAX_BYTES = 8 << 30  # bytes of all members of one archive
BLOCK_BYTES = 1 << 20
OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
ZIP, TAR, TAR_AT = b"PK\x03\x04", b"ustar", 257
# zipfile raises RuntimeError for an encrypted member, and NotImplementedError for an unknown compression.
ERRORS = (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error)


class MemberError(Exception):
    """An archive cannot be unpacked."""


@contextmanager
def unpacked(path: Path) -> Iterator[Iterator[tuple[str, Path]]]:
    """Give name and copy of each member of a file, one after another; none of a file that is no archive.

    A copy is removed before the next member.

    Raises:
        MemberError: The archive is damaged or encrypted, or its members are too large.
    """
    with path.open("rb") as file:
        start = file.read(TAR_AT + len(TAR))
    opener = next((opener for magic, opener in OPENERS.items() if start.startswith(magic)), None)
    members: Iterator[tuple[str, IO[bytes]]]
    if start.startswith(ZIP):
        members = _of_zip(path)
    elif start[TAR_AT:] == TAR:
        members = _of_tar(path)
    elif opener is not None:
        members = iter([("content", opener(path))])
    else:
        yield iter(())
        return
    with tempfile.TemporaryDirectory(prefix="breathline-members-") as folder:
        yield _copies(members, Path(folder) / "member")


def _copies(members: Iterator[tuple[str, IO[bytes]]], copy: Path) -> Iterator[tuple[str, Path]]:
    size = 0
    try:
        for name, source in members:
            with source, copy.open("wb") as target:
                while block := source.read(BLOCK_BYTES):
                    size += target.write(block)
                    if size > MAX_BYTES:
                        raise ValueError(f"its members have more than {MAX_BYTES >> 30} GiB")
            yield name, copy
    except ERRORS as error:
        raise MemberError(f"it cannot be unpacked: {error or type(error).__name__}") from error


def _of_zip(path: Path) -> Iterator[tuple[str, Any]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield info.filename, archive.open(info)


def _of_tar(path: Path) -> Iterator[tuple[str, Any]]:
    with tarfile.open(path, "r:") as archive:
        for info in archive:
            if info.isfile() and (source := archive.extractfile(info)) is not None:
                yield info.name, source
