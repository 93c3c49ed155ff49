"""Common interface of sources: files by name."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from tasks.runtime.errors import BreathlineError
from tasks.sources import folder_walk

CHUNK = 1 << 20  # bytes read at a time
FileKind = Literal["audio", "annotation", "metadata"]


class BrokenArchiveError(BreathlineError):
    """Damaged or malicious archive; another attempt does not help."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """File of a source.

    Attributes:
        name: Path within the source, with ``/``.
        origin: Place for error messages.
        size: Size in bytes.
        chunks: Function that reads the content from its beginning.
    """

    name: str
    origin: str
    size: int
    chunks: Callable[[], Iterator[bytes]]

    def sha256(self) -> str:
        """Return the SHA-256 of the content, in hexadecimal."""
        digest = hashlib.sha256()
        for chunk in self.chunks():
            digest.update(chunk)
        return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Archive:
    """Name, SHA-256 and size in bytes of an archive."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Name of a dataset on Kaggle or the hub (``owner/name``), and its version or commit."""

    name: str
    revision: str


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Opened source.

    Attributes:
        where: Path of the source.
        members: Files of the source.
        beside: Folder of the source, which may hold metadata files.
        archive: The archive, if the source is one.
        dataset: The dataset, if the source is one of Kaggle or the hub.
    """

    where: Path
    members: Sequence[Member]
    beside: Path
    archive: Archive | None = None
    dataset: Dataset | None = None


def files_in(folder: Path, *, recursive: bool) -> list[Member]:
    """Return the files of a folder, sorted by path.

    Args:
        folder: The folder.
        recursive: Whether files of subfolders are wanted; then a link that leads nowhere is an error.

    Raises:
        BreathlineError: There is no such folder, or it cannot be read completely.
    """
    if not folder.is_dir():
        raise BreathlineError("There is no such folder.", where=folder, hint="correct the path in params.yaml")
    paths = folder_walk.files(folder) if recursive else folder_walk.files_at(folder)
    return [
        Member(
            name=path.relative_to(folder).as_posix(),
            origin=str(path),
            size=path.stat().st_size,
            chunks=partial(chunks_of, path),
        )
        for path in paths
    ]


def folder(path: Path) -> Collection:
    """Return the files of a folder and its subfolders.

    Raises:
        BreathlineError: There is no such folder, or it cannot be read completely.
    """
    return Collection(where=path, members=files_in(path, recursive=True), beside=path.resolve().parent)


def chunks_of(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
