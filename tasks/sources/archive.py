"""Zip archive as a source, with checks against damage and attacks."""

import errno
import hashlib
import lzma
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath

from rich import progress

from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import console
from tasks.runtime.words import listed
from tasks.sources import pointers, system_files
from tasks.sources.collection import CHUNK, Archive, BrokenArchiveError, Collection, Member

MAX_BYTES = 16 << 30  # of all unpacked members; large corpora have some 3 GiB
MAX_RATIO = 200  # of a member's unpacked to its compressed size; audio and text stay below 6
MIN_CHECKED_BYTES = 1 << 20  # smaller members may have any ratio
READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
SUFFIXES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")  # of archives
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, ValueError, OverflowError)


@contextmanager
def opened(path: Path, *, sha256: str | None) -> Iterator[Collection]:
    """Yield the files of an archive, without unpacking them; those of the system are left out.

    The archive's directory (its list of members) is checked at once. Each member is compared with it while it is read.

    Args:
        path: Path of the zip.
        sha256: Expected SHA-256, if it is known.

    Raises:
        BreathlineError: There is no such file, or it is only a pointer of Git LFS or git-annex.
        BrokenArchiveError: The file is not a zip, is cut off, encrypted or damaged, or has another SHA-256. Or a member
            has an unsafe path, is a link, appears twice, or is far larger than its compressed size.
    """
    if not path.is_file():
        raise BreathlineError("There is no such archive.", where=path, hint="correct its `path` in params.yaml")
    pointers.check_archive(path)
    seen = _sha256(path)
    if sha256 is not None and seen != sha256.lower():
        raise _broken(path, f"The archive has the SHA-256 {seen}, not {sha256.lower()} as params.yaml says.")
    with _as_broken_archive(path, "This is not a zip archive, or it is cut off"):
        archive = zipfile.ZipFile(path)
    with archive:
        size = path.stat().st_size
        _check_names(path, archive.infolist())
        _check_sizes(path, archive.infolist(), size)
        yield Collection(
            where=path,
            members=[
                Member(
                    name=info.filename,
                    origin=f"{path}: {info.filename}",
                    size=info.file_size,
                    chunks=partial(_chunks, path, archive, info),
                )
                for info in sorted(archive.infolist(), key=lambda info: info.filename)
                if not info.is_dir() and not system_files.is_one(info.filename)
            ],
            beside=path.parent,
            archive=Archive(name=path.name, sha256=seen, bytes=size),
        )


@contextmanager
def downloaded(path: Path, *, sha256: str | None) -> Iterator[Collection]:
    """Yield the files of a downloaded archive.

    The archive's folder is removed after the block, but kept after an error, so that nothing is fetched twice. A broken
    archive is not kept.

    Args:
        path: Path of the zip, in a folder of downloads.
        sha256: Expected SHA-256, if it is known.

    Raises:
        BrokenArchiveError: As for `opened`.
    """
    try:
        with opened(path, sha256=sha256) as collection:
            yield collection
    except BrokenArchiveError:
        path.unlink()
        raise
    shutil.rmtree(path.parent)


def unpacking_hint(names: Iterable[str]) -> str | None:
    """Return the next step for archives among the files of a source, which are not looked into; None without one."""
    inner = [name for name in names if name.lower().endswith(SUFFIXES) and not system_files.is_one(name)]
    return f"unpack {listed(inner)}, and name the folder with the recordings as the source" if inner else None


def check_zip(path: Path) -> None:
    """Refuse a file that is not a zip, such as a page about maintenance."""
    if not zipfile.is_zipfile(path):
        raise BreathlineError("The fetched file is not a zip archive.", where=path)


def _check_names(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    """Refuse unsafe paths, entries that are not plain files, and two members of one name.

    Names that differ in case are allowed: members are copied under names of their own.
    """
    seen: set[str] = set()
    for info in infos:
        name = info.orig_filename
        kind = stat.S_IFMT(info.external_attr >> 16)
        if name.startswith("/") or re.match("[A-Za-z]:", name):
            raise _broken(path, f"The member {name!r} has an absolute path.")
        if "\\" in name or "\0" in name:
            raise _broken(path, f"The member {name!r} has a character that is not allowed in a path.")
        if ".." in PurePosixPath(name).parts:
            raise _broken(path, f"The member {name!r} leads out of the archive's folder.")
        if kind == stat.S_IFLNK:
            raise _broken(path, f"The member {name!r} is a symbolic link.")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _broken(path, f"The member {name!r} is not a plain file.")
        if info.flag_bits & 0x1:
            raise _broken(path, f"The member {name!r} is encrypted.")
        if info.compress_type not in READABLE:
            raise _broken(path, f"The member {name!r} is compressed by an unknown method ({info.compress_type}).")
        if name in seen:
            raise _broken(path, f"Two members have the same name: {name!r}.")
        seen.add(name)


def _check_sizes(path: Path, infos: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse decompression bombs: members with an extreme compression ratio, and members that share their bytes."""
    for info in infos:
        if info.file_size > max(MIN_CHECKED_BYTES, MAX_RATIO * info.compress_size):
            raise _broken(
                path,
                f"The member {info.filename!r} would unpack from {info.compress_size} to {info.file_size} bytes, more "
                f"than {MAX_RATIO} times: a decompression bomb.",
            )
    total = sum(info.file_size for info in infos)
    if total > MAX_BYTES:
        raise _broken(
            path, f"The archive would unpack to {total} bytes, and the limit is {MAX_BYTES}: a decompression bomb."
        )
    if sum(info.compress_size for info in infos) > size:
        raise _broken(path, "The archive's members are larger than the archive: it is damaged, or a bomb.")


def _chunks(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the bytes of a member, and refuse bytes that differ from the directory of the archive."""
    left = info.file_size
    with _as_broken_archive(path, f"The member {info.filename!r} is damaged"), archive.open(info) as file:
        while chunk := file.read(CHUNK):
            left -= len(chunk)
            yield chunk
    if left:
        raise _broken(path, f"The member {info.filename!r} is {left} bytes shorter than the archive states.")


def is_damage(error: Exception) -> bool:
    """Tell whether an error comes from a damaged zip, not from the disk."""
    if isinstance(error, OSError):
        return error.errno == errno.EINVAL  # a position before the beginning of the file
    return isinstance(error, DAMAGE)


@contextmanager
def _as_broken_archive(path: Path, what: str) -> Iterator[None]:
    """Raise errors of a damaged zip as BrokenArchiveError."""
    try:
        yield
    except (*DAMAGE, OSError) as error:
        if not is_damage(error):
            raise
        raise _broken(path, f"{what} ({error or type(error).__name__}).") from error


def _sha256(path: Path) -> str:
    """Return an archive's SHA-256, with a progress bar."""
    with progress.open(
        path, "rb", description="hashing the archive", console=console(), disable=not console().is_terminal
    ) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # rich types it as BinaryIO


def _broken(path: Path, what: str) -> BrokenArchiveError:
    return BrokenArchiveError(what, where=path, hint="fetch the archive again from a trusted source")
