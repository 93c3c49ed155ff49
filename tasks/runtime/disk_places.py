"""Places to which a run writes: their disks, free space, owners and limits, in words."""

import errno
import os
import resource
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.filesize import decimal

from tasks.runtime import users

CACHE = Path(".dvc/cache")
FOLDERS = (Path(), CACHE, Path(".dvc/tmp"), Path("data"), Path("reports"), Path(".checkpoints"), Path(".lineage"))
PERMISSION = (errno.EACCES, errno.EPERM)
NEARLY_FULL = 1_000_000  # bytes


def of_project(root: Path) -> Iterator[Path]:
    """Yield the folders to which the stages of a project write, those that exist."""
    for folder in (*(root / name for name in FOLDERS), temporary_folder()):
        if os.path.isdir(folder):
            yield folder


def temporary_folder() -> Path:
    """Return the folder of temporary files, also where it cannot be written."""
    return Path(tempfile.tempdir or os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - nothing is written there


def existing(path: Path) -> Path:
    """Return a path, or the nearest of its parents that exists."""
    full = path.absolute()
    # Path.exists raises an error below a folder that may not be searched.
    return next(folder for folder in (full, *full.parents) if os.path.exists(folder))


def fault_of(folder: Path) -> int | None:
    """Return the number of the error that a new file in a folder would meet now; None if it would meet none."""
    disk = os.statvfs(existing(folder))
    if disk.f_flag & os.ST_RDONLY:
        return errno.EROFS
    if not os.access(existing(folder), os.W_OK):
        return errno.EACCES
    if no_inodes(folder) or disk.f_bavail * disk.f_frsize < NEARLY_FULL:
        return errno.ENOSPC
    return None


def suspect(number: int, folders: Iterable[Path]) -> Path | None:
    """Return the folder that an error without a path most likely concerns; None if no folder shows it."""
    found = [folder for folder in folders if fault_of(folder) == number]
    return min(found, key=lambda folder: shutil.disk_usage(existing(folder)).free, default=None)


def no_inodes(path: Path) -> bool:
    """Return whether the disk of a path has room for no other file."""
    disk = os.statvfs(existing(path))
    return bool(disk.f_files) and not disk.f_favail


def describe(number: int, path: Path) -> str:
    """Return the facts about a path that explain the error of a number."""
    there = existing(path)
    if number in PERMISSION:
        refused = next((one for one in (there, *there.parents) if not os.access(one, os.R_OK | os.W_OK)), there)
        status = refused.stat()
        owner = f"{refused} has the mode {stat.filemode(status.st_mode)} and the owner {users.name(status.st_uid)}"
        return f"{owner}; this process runs as {users.name(os.geteuid())}"
    if number == errno.EFBIG and (limit := size_limit()) is not None:
        return f"the limit of this process is {decimal(limit)}"
    if number == errno.EMFILE:
        return f"the limit of this process is {resource.getrlimit(resource.RLIMIT_NOFILE)[0]} files"
    disk = os.statvfs(there)
    if number == errno.ENOSPC and no_inodes(there):
        return f"disk {_mount(there)}: 0 of {disk.f_files:,} inodes free"
    free, total = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    return f"disk {_mount(there)}: {decimal(free)} of {decimal(total)} free"


def ways_to_room(path: Path, needed: int | None) -> str:
    """Return what to do about a full disk; `needed` is a size in bytes, if it is known."""
    there = existing(path).resolve()
    ways = [f"make room for {decimal(needed)} on this disk" if needed else "make room on this disk"]
    if os.path.isdir(CACHE) and CACHE.stat().st_dev == there.stat().st_dev:
        ways.append("remove old versions from DVC's cache (`dvc gc --workspace`)")
    temporary = temporary_folder().resolve()
    if there.is_relative_to(temporary) and not Path.cwd().is_relative_to(temporary):
        ways.append("set TMPDIR to a folder on another disk")
    return ", or ".join(ways)


def size_limit() -> int | None:
    """Return the largest size in bytes of a file of this process; None if there is no limit."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _mount(path: Path) -> Path:
    """Return the folder at which the disk of a path is mounted."""
    path = path.resolve()
    return next(folder for folder in (path, *path.parents) if os.path.ismount(folder))
