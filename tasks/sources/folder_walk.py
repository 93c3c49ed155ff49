"""Files of a folder and of its subfolders, also through symbolic links."""

import os
from collections.abc import Iterator
from pathlib import Path

from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import counted, listed
from tasks.sources import system_files

ANNEX = ".git/annex/objects/"  # part of the path to which links of git-annex lead


def files(folder: Path) -> list[Path]:
    """Return the files of a folder and of its subfolders, sorted by path, without those of the system.

    Links to files and folders are followed.

    Raises:
        BreathlineError: A link leads nowhere or to a folder above it, an entry is a pipe or another special file, or a
            folder cannot be read. A file that is left out silently would make a corpus smaller.
    """
    dangling: list[Path] = []
    found = sorted(_below(folder, (_identity(folder),), dangling))
    if dangling:
        raise _dangling(folder, dangling)
    return found


def files_at(folder: Path) -> list[Path]:
    """Return the files directly in a folder, sorted by path, without those of the system."""
    return sorted(path for path in folder.iterdir() if path.is_file() and not system_files.has_system_name(path.name))


def _below(folder: Path, above: tuple[tuple[int, int], ...], dangling: list[Path]) -> Iterator[Path]:
    """Yield the files below a folder, and collect the links that lead nowhere.

    Args:
        folder: The folder.
        above: Device and inode of this folder and of each folder above it.
        dangling: List of the links that lead nowhere, which grows.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not system_files.has_system_name(entry.name)]
    except OSError as error:
        raise BreathlineError(
            f"The folder cannot be read: {error.strerror}.", where=folder, hint="correct its permissions, or move it"
        ) from error
    for name in names:
        path = folder / name
        if path.is_dir():
            identity = _identity(path)
            if identity in above:
                raise BreathlineError(
                    "A symbolic link leads to a folder above it.",
                    where=f"{path} -> {path.resolve()}",
                    hint="remove the link",
                )
            yield from _below(path, (*above, identity), dangling)
        elif path.is_file():
            yield path
        elif path.exists():
            what = "This is a pipe, a socket or a device, and no file."
            raise BreathlineError(what, where=path, hint="remove it, or put a file in its place")
        else:
            dangling.append(path)


def _identity(folder: Path) -> tuple[int, int]:
    """Return device and inode of a folder."""
    found = folder.stat()
    return found.st_dev, found.st_ino


def _dangling(folder: Path, links: list[Path]) -> BreathlineError:
    """Return the error of links that lead nowhere."""
    shown = [f"{link.relative_to(folder).as_posix()} -> {link.readlink()}" for link in sorted(links)]
    if any(ANNEX in link.readlink().as_posix() for link in links):
        what = f"{counted(len(links), 'file')} of git-annex {'is' if len(links) == 1 else 'are'} not here"
        hint = "run `git annex get .` in the folder"
    else:
        what = f"{counted(len(links), 'symbolic link')} lead{'s' if len(links) == 1 else ''} nowhere"
        hint = "bring back what they lead to, or remove them"
    return BreathlineError(f"{what}: {listed(shown)}.", where=folder, hint=hint)
