"""Entries of DVC's list of files in use, which each process of a run also keeps in a file of its own."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any
from uuid import uuid4

# "read" or "write", the path of the file in use, process id, command.
Entry = tuple[str, str, int, str]
PREFIX = "rwlock.entries-"


class OwnEntries:
    """Entries that this process has added to the list of a folder.

    The folder also holds them in a file, which this process locks until its end. A file that no process locks was left
    by a killed process. All of its changes happen while DVC holds the lock of the list.

    Attributes:
        entries: Entries that this process has added and not removed.
    """

    def __init__(self, folder: Path) -> None:
        self.entries: set[Entry] = set()
        self._folder = folder
        self._file: FileIO | None = None

    def update(self, before: set[Entry], after: set[Entry]) -> None:
        """Keep the entries that this process has added: the old ones that are still listed, and the new ones.

        Args:
            before: All entries of the list before the change of this process.
            after: All entries of the list after it.
        """
        self.entries = (self.entries & after) | (after - before)
        try:
            self._write()
        except OSError:  # a full disk, or one without locks: other processes cannot restore the entries
            self._remove()

    def _write(self) -> None:
        if not self.entries:
            self._remove()
            return
        if self._file is None:
            self._file = (self._folder / f"{PREFIX}{uuid4().hex}").open("xb", buffering=0)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps(sorted(self.entries)).encode())

    def _remove(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                Path(self._file.name).unlink()
            self._file.close()
            self._file = None


def of_running(folder: Path) -> set[Entry]:
    """Return the entries in the files of all running processes, and remove the files of killed ones."""
    found: set[Entry] = set()
    for path in folder.glob(f"{PREFIX}*"):
        # A file that cannot be read restores nothing.
        with suppress(OSError, ValueError), path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found |= {(mode, used, pid, command) for mode, used, pid, command in json.load(file)}
            else:
                path.unlink()
    return found


def listed(used: Mapping[str, Mapping[str, Any]]) -> set[Entry]:
    """Return the entries of the list, as DVC holds it in memory."""
    reads = {("read", path, info["pid"], info["cmd"]) for path, infos in used.get("read", {}).items() for info in infos}
    return reads | {("write", path, info["pid"], info["cmd"]) for path, info in used.get("write", {}).items()}


def restore(used: dict[str, dict[str, Any]], entries: set[Entry]) -> None:
    """Add those of some entries to the list in memory that it lacks."""
    for mode, path, pid, command in sorted(entries - listed(used)):
        info = {"pid": pid, "cmd": command}
        if mode == "read":
            used["read"].setdefault(path, []).append(info)
        else:
            used["write"].setdefault(path, info)
