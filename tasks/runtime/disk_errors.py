"""Errors of the disk: full, read-only, limits of size and number, missing permission.

Libraries report such an error in many ways: as `OSError` with or without its number, or as an exception of their own
whose text alone names the cause (safetensors, torch, SQLite, Polars). Each becomes one error for the user.
"""

import errno
import os
import re
import resource
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.filesize import decimal

from tasks.runtime import users
from tasks.runtime.errors import BreathlineError

# What is wrong and what to do, by the number of the error. `_hint` fills {room} and {limit} in.
MESSAGES = {
    errno.ENOSPC: ("The disk is full.", "{room}"),
    errno.EDQUOT: ("Your quota on the disk is used up.", "{room}, or ask for a larger quota"),
    errno.EROFS: ("The disk is read-only.", "mount it for writing, or use a folder on another disk"),
    errno.EFBIG: ("A file would exceed the largest size that is allowed here.", "{limit}"),
    errno.EACCES: ("Permission denied.", "change the owner or the mode, or run as the owner"),
    errno.EPERM: ("Permission denied.", "change the owner or the mode, or run as the owner"),
    errno.EMFILE: ("This process has too many open files.", "raise the limit: `ulimit -n 65536`"),
    errno.ENFILE: ("This machine has too many open files.", "end other programs"),
    errno.EIO: ("The disk reports an input/output error.", "look for the cause in the system's log (`dmesg`)"),
}
NO_INODES = "The disk is full: it has no inode left for another file."
# "Permission denied" without a number may be the answer of a server, or of Git.
PERMISSION = (errno.EACCES, errno.EPERM)
TEXTS = {os.strerror(number): number for number in MESSAGES if number not in PERMISSION} | {
    "database or disk is full": errno.ENOSPC,
    "attempt to write a readonly database": errno.EROFS,
}
# Texts of SQLite, NumPy and torch that do not tell a full disk from a limit on the size of files.
SHORT_WRITE = re.compile(r"disk I/O error|\d+ requested and \d+ written|inline_container\.cc.*unexpected pos")
NUMBER = re.compile(r"\(os error (\d+)\)|\[errno (\d+)\]", re.IGNORECASE)
QUOTED = re.compile(r"""['"]([^'"]*/[^'"]*)['"]""")
CACHE = Path(".dvc/cache")


class DiskError(BreathlineError):
    """The operating system refuses to write or to read a file."""


@contextmanager
def disk_errors(path: Path | None = None, *, needed: int | None = None) -> Iterator[None]:
    """Raise an error of the disk within the block as a `DiskError`; leave every other error as it is.

    Args:
        path: File or folder that the block writes; None if only the error can name it.
        needed: Size of the file in bytes, if it is known.
    """
    try:
        yield
    except Exception as error:
        found = disk_error(error, path, needed=needed)
        if found is None:
            raise
        raise found from error


def disk_error(error: BaseException, path: Path | None = None, *, needed: int | None = None) -> DiskError | None:
    """Return the `DiskError` for an exception or for its cause; None if the disk is not the cause.

    Args:
        error: Exception of any library.
        path: File or folder that was being written; None if only the error can name it.
        needed: Size of the file in bytes, if it is known.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, BreathlineError):
        if "No usable temporary directory" in str(cause):
            return DiskError(
                "No folder for temporary files can be written.",
                where=str(cause).partition(" found in ")[2],
                hint="free some space there, or set TMPDIR to a folder that you can write",
            )
        number = cause.errno if isinstance(cause, OSError) and cause.errno else _number_in(str(cause))
        if number in MESSAGES:
            named = _file_of(cause)
            # A temporary file beside the path is not worth a name.
            return _described(number, path if named is None or _beside(named, path) else named, needed)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return None


def require_space(folder: Path, needed: int) -> None:
    """Check that the disk of a folder has room for a number of bytes.

    Raises:
        DiskError: The disk has less space; the error says how much is free and how much is needed.
    """
    if needed > shutil.disk_usage(folder).free:
        raise _described(errno.ENOSPC, folder, needed)


def disk_error_in(output: str, root: Path) -> DiskError | None:
    """Return the `DiskError` for the last error of the disk in the output of a program; None if there is none.

    Args:
        output: Output of a program, such as DVC.
        root: Folder in which the program ran.
    """
    for line in reversed(output.splitlines()):
        if (number := _number_in(line)) is not None:
            names = QUOTED.findall(line)
            return _described(number, root / names[-1] if names else root, None)
    return None


def _number_in(text: str) -> int | None:
    """Return the number of the error of the disk that a text reports."""
    numbers = [int(match[1] or match[2]) for match in NUMBER.finditer(text)]
    numbers += [number for known, number in TEXTS.items() if known in text]
    if SHORT_WRITE.search(text):
        numbers.append(errno.ENOSPC if _size_limit() is None else errno.EFBIG)
    return next((number for number in numbers if number in MESSAGES), None)


def _file_of(error: BaseException) -> Path | None:
    """Return the file that an error names; of two files, the target."""
    names = (error.filename2, error.filename) if isinstance(error, OSError) else ()
    return next((Path(os.fsdecode(name)) for name in names if isinstance(name, str | bytes)), None)


def _beside(file: Path, path: Path | None) -> bool:
    return path is not None and file.absolute().parent == path.absolute().parent


def _described(number: int, path: Path | None, needed: int | None) -> DiskError:
    full = (path or Path()).absolute()
    # Path.exists raises an error where a folder may not be searched.
    existing = [folder for folder in (full, *full.parents) if os.path.exists(folder)]
    disk = os.statvfs(existing[0])
    what, hint = MESSAGES[number]
    if number == errno.ENOSPC and disk.f_files and not disk.f_favail:
        what = NO_INODES
    if number in PERMISSION:
        refused = next((folder for folder in existing if not os.access(folder, os.R_OK | os.W_OK)), existing[0])
        status = refused.stat()
        place = f"{refused} has the mode {stat.filemode(status.st_mode)} and the owner {users.name(status.st_uid)}; "
        place += f"this process runs as {users.name(os.geteuid())}"
    elif number == errno.EFBIG and (limit := _size_limit()) is not None:
        place = f"the limit of this process is {decimal(limit)}"
    else:
        free, total = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
        place = f"disk {_mount(existing[0])}: {decimal(free)} of {decimal(total)} free"
    hint = hint.format(room=_room(existing[0], needed), limit=_raise_limit())
    return DiskError(
        what,
        where=f"{path} ({place})" if path else place,
        hint=f"{hint}; then run again: nothing that is complete is lost",
    )


def _room(there: Path, needed: int | None) -> str:
    """Return what to do about a full disk."""
    ways = [f"make room for {decimal(needed)} on this disk" if needed else "make room on this disk"]
    if CACHE.is_dir() and CACHE.stat().st_dev == there.stat().st_dev:
        ways.append("remove old versions from DVC's cache (`dvc gc --workspace`)")
    temporary = Path(tempfile.tempdir or os.environ.get("TMPDIR", "/tmp")).resolve()  # noqa: S108 - only compared
    if there.resolve().is_relative_to(temporary) and not Path.cwd().is_relative_to(temporary):
        ways.append("set TMPDIR to a folder on another disk")
    return ", or ".join(ways)


def _raise_limit() -> str:
    """Return what to do about a file that is too large."""
    return "use another disk" if _size_limit() is None else "raise the limit: `ulimit -f unlimited`"


def _mount(path: Path) -> Path:
    """Return the folder at which the disk of a path is mounted."""
    path = path.resolve()
    return next(folder for folder in (path, *path.parents) if os.path.ismount(folder))


def _size_limit() -> int | None:
    """Return the largest size in bytes of a file of this process; None if there is no limit."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return None if limit == resource.RLIM_INFINITY else limit
