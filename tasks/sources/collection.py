"""What every source gives: files by name, wherever they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.runtime.errors import BreathlineError

CHUNK = 1 << 20  # bytes read at a time


class BrokenArchiveError(BreathlineError):
    """An archive that is damaged, or made to do harm: it must be replaced, for it will not mend."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One file of a source.

    `name` is its path within the source, with ``/``; `origin` is what an error names; `chunks` reads it anew.
    """

    name: str
    origin: str
    size: int
    chunks: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, kw_only=True)
class Archive:
    """The identity of the archive that the recordings came from."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Collection:
    """A source, open: its files, the folder beside it in which metadata may lie, and the archive if it is one."""

    where: Path
    members: Sequence[Member]
    beside: Path
    archive: Archive | None


def files_in(folder: Path, *, recursive: bool) -> list[Member]:
    """Return the files of a folder, sorted by name.

    Raises:
        BreathlineError: There is no such folder.
    """
    if not folder.is_dir():
        raise BreathlineError("There is no such folder.", where=folder, hint="correct the path in params.yaml")
    paths = folder.rglob("*") if recursive else folder.iterdir()
    return [
        Member(
            name=path.relative_to(folder).as_posix(),
            origin=str(path),
            size=path.stat().st_size,
            chunks=lambda path=path: _chunks(path),  # type: ignore[misc]  # mypy cannot type the default
        )
        for path in sorted(paths)
        if path.is_file()
    ]


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
