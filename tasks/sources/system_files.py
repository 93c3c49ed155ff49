"""Files and folders beside a user's own: hidden ones, and those that operating systems and servers add."""

from pathlib import PurePosixPath

_NAMES = {
    "__macosx",  # resource forks in zips of macOS; elsewhere they are hidden files, such as `._101.wav`
    *("thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),  # Windows
    *("@eadir", "#recycle"),  # network storage
}


def has_system_name(name: str) -> bool:
    """Tell whether a file or folder of this name belongs to the system or to a tool, and is part of no corpus."""
    return name.startswith(".") or name.casefold() in _NAMES


def is_one(path: str) -> bool:
    """Tell whether a file belongs to the system, by its name or by that of a folder above it.

    Args:
        path: Path within a source, with ``/``.
    """
    return any(map(has_system_name, PurePosixPath(path).parts))
