"""Errors of the disk: full, read-only, limits of size and number, missing permission.

Libraries report such an error in many ways: as `OSError` with or without its number, or as an exception of their own
whose text alone names the cause (safetensors, torch, SQLite, Polars). Each becomes one error for the user.
"""

import errno
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tasks.runtime import disk_places
from tasks.runtime.errors import BreathlineError

# What is wrong and what to do, by the number of the error.
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
# Numbers of errors that mean a wrong path, if the path is one that is written.
PATH_FAULTS = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP}
PATH_FAULTS |= {errno.ENOTSUP, errno.ENOTEMPTY, errno.EBUSY, errno.EXDEV}
NO_INODES = "The disk is full: it has no inode left for another file."
# "Permission denied" without a number may be the answer of a server, or of Git.
TEXTS = {os.strerror(number): number for number in MESSAGES if number not in disk_places.PERMISSION}
TEXTS |= {"database or disk is full": errno.ENOSPC}
# Texts of NumPy and torch that do not tell a full disk from a limit on the size of files, and texts of SQLite that do
# not name a cause at all.
SHORT_WRITE = re.compile(r"\d+ requested and \d+ written|inline_container\.cc.*unexpected pos|disk I/O error")
UNCLEAR = re.compile(r"disk I/O error|attempt to write a readonly database|unable to open database file")
NUMBER = re.compile(r"\(os error (\d+)\)|\[errno (\d+)\]", re.IGNORECASE)
QUOTED = re.compile(r"""['"]([^'"]*/[^'"]*)['"]""")


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
        places = [path] if path else [*disk_places.of_project(Path())]
        number = cause.errno if isinstance(cause, OSError) and cause.errno else _number_in(str(cause), places)
        named = _file_of(cause)
        if path is not None and number in PATH_FAULTS and named is not None and _is_of(named, path):
            what = f"The file cannot be written: {os.strerror(number)}."
            where = path if _beside(named, path) else f"{path} ({named})"
            return DiskError(what, where=where, hint="name a file in another folder")
        if number in MESSAGES:
            # A temporary file beside the path is not worth a name.
            return _described(number, path if named is None or _beside(named, path) else named, places, needed)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return None


def require_space(folder: Path, needed: int) -> None:
    """Check that the disk of a folder has room for a number of bytes.

    Raises:
        DiskError: The disk has less space; the error says how much is free and how much is needed.
    """
    if needed > shutil.disk_usage(folder).free:
        raise _described(errno.ENOSPC, folder, [], needed)


def disk_error_in(output: str, root: Path, places: Sequence[Path] = ()) -> DiskError | None:
    """Return the `DiskError` for the last error of the disk in the output of a program; None if there is none.

    Args:
        output: Output of a program, such as DVC.
        root: Folder of the project in which the program ran.
        places: Folders that the program writes to, beside those of the project.
    """
    all_places = [*disk_places.of_project(root), *places]
    for line in reversed(output.splitlines()):
        if (number := _number_in(line, all_places)) is not None:
            names = QUOTED.findall(line)
            return _described(number, root / names[-1] if names else None, all_places, None)
    return None


def _number_in(text: str, places: Sequence[Path]) -> int | None:
    """Return the number of the error of the disk that a text reports; the state of the places decides where it can."""
    numbers = [int(match[1] or match[2]) for match in NUMBER.finditer(text)]
    numbers += [number for known, number in TEXTS.items() if known in text]
    if UNCLEAR.search(text):
        numbers += [number for place in places if (number := disk_places.fault_of(place))]
    if SHORT_WRITE.search(text):
        numbers.append(errno.ENOSPC if disk_places.size_limit() is None else errno.EFBIG)
    return next((number for number in numbers if number in MESSAGES), None)


def _file_of(error: BaseException) -> Path | None:
    """Return the file that an error names; of two files, the target."""
    names = (error.filename2, error.filename) if isinstance(error, OSError) else ()
    return next((Path(os.fsdecode(name)) for name in names if isinstance(name, str | bytes)), None)


def _beside(file: Path, path: Path | None) -> bool:
    return path is not None and file.absolute().parent == path.absolute().parent


def _is_of(named: Path, path: Path) -> bool:
    """Return whether an error names a path, a temporary file beside it, or a folder above it."""
    return _beside(named, path) or path.absolute().is_relative_to(named.absolute())


def _described(number: int, path: Path | None, places: Sequence[Path], needed: int | None) -> DiskError:
    """Return the error with its place; without a path, the place that shows the fault."""
    there = path or disk_places.suspect(number, places) or Path()
    what, hint = MESSAGES[number]
    if number == errno.ENOSPC and disk_places.no_inodes(there):
        what = NO_INODES
    facts = disk_places.describe(number, there)
    limit = "raise the limit: `ulimit -f unlimited`" if disk_places.size_limit() else "use another disk"
    hint = hint.format(room=disk_places.ways_to_room(there, needed), limit=limit)
    where = f"{path} ({facts})" if path else facts
    return DiskError(what, where=where, hint=f"{hint}; then run again: nothing that is complete is lost")
