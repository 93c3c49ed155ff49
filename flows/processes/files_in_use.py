"""DVC's list of the files that its processes use, `.dvc/tmp/rwlock`.

DVC writes the list in place. A kill or a full disk may cut it off, and then every DVC process of the project fails:
also one whose stage has run for hours, at its end. `keep_whole` prevents this in the DVC processes of a run.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from flows.processes import file_entries
from flows.processes.file_entries import OwnEntries
from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from dvc.repo import Repo

UNSUPPORTED = "Breathline does not know this version of DVC: a kill of one stage may fail the stages beside it."
WAIT_S = 20.0  # far longer than DVC needs for one change of the list


def is_supported() -> bool:
    """Return whether `keep_whole` knows how this version of DVC keeps the list."""
    info = {"pid": 1, "cmd": "dvc repro"}
    used = {"read": {"/in": [info]}, "write": {"/out": info}}
    try:
        from dvc import rwlock

        known = list(signature(rwlock._edit_rwlock).parameters) == ["lock_dir", "fs", "hardlink"]
        return known and bool(rwlock.SCHEMA(used) == used)
    except Exception:  # noqa: BLE001 - another version may raise any
        return False


def keep_whole() -> None:
    """Change how the DVC of this process reads and writes the list, if this version of DVC is supported.

    The new list replaces the old one when it is complete, so that a kill cuts nothing off. A list that another process
    has cut off counts as missing. Entries of running processes that a list lacks are restored from their files. The
    list has a lock of its own (`.dvc/tmp/rwlock.lock`), which DVC holds meanwhile.
    """
    if not is_supported():
        return
    from dvc import rwlock

    edit = rwlock._edit_rwlock
    kept: dict[tuple[int, str], OwnEntries] = {}

    @contextmanager
    def edit_whole(lock_dir: str, fs: object, hardlink: bool) -> Iterator[dict[str, Any]]:
        # A fork of this process has entries of its own.
        own = kept.setdefault((os.getpid(), lock_dir), OwnEntries(Path(lock_dir)))
        with edit(lock_dir, _WholeFiles(fs), hardlink) as used:
            file_entries.restore(used, own.entries | file_entries.of_running(Path(lock_dir)))
            before = file_entries.listed(used)
            yield used
            own.update(before, file_entries.listed(used))

    rwlock._edit_rwlock = edit_whole


def restore(repo: Repo) -> None:
    """Restore a list that has been cut off or removed, so that `dvc repro` and other commands of DVC run again.

    It then holds the entries of the DVC processes of runs. A DVC process that was started without Breathline and still
    works fails at its end, with or without the list. The next run takes its outs from the run cache.

    Raises:
        BreathlineError: Another process has locked the list for too long.
    """
    from dvc.rwlock import RWLOCK_FILE

    folder = Path(str(repo.tmp_dir))
    path = folder / RWLOCK_FILE
    with _locked(repo, folder):
        if path.exists() and not _is_torn(path):
            return
        used: dict[str, dict[str, Any]] = {"write": {}, "read": {}}
        file_entries.restore(used, file_entries.of_running(folder))
        if used["write"] or used["read"]:
            with _replacing(str(path), encoding="utf-8") as file:
                json.dump(used, file)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def _locked(repo: Repo, folder: Path) -> Iterator[None]:
    from dvc.lock import LockError, make_lock
    from dvc.rwlock import RWLOCK_LOCK

    path = folder / RWLOCK_LOCK
    hardlinks = repo.config["core"].get("hardlink_lock", False)
    lock = make_lock(str(path), tmp_dir=str(folder), hardlink_lock=hardlinks)
    end = time.monotonic() + WAIT_S
    while True:
        try:
            lock.lock()
            break
        except LockError as error:  # after 3 s of trying
            if time.monotonic() > end:
                raise BreathlineError(
                    f"Another process has locked DVC's list of files in use for {WAIT_S:.0f} seconds.",
                    where=path,
                    hint="wait for the process whose number this file holds, or end it; then run again",
                ) from error
    try:
        yield
    finally:
        lock.unlock()


class _WholeFiles:
    """File system through which DVC reads and writes the list, for which it has locked the list."""

    def __init__(self, fs: object) -> None:
        self._fs = fs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    @staticmethod
    def open(path: str, mode: str = "r", encoding: str = "utf-8") -> Any:
        if mode == "w":
            return _replacing(path, encoding)
        if _is_torn(Path(path)):
            raise FileNotFoundError(path)
        return Path(path).open(mode, encoding=encoding)


@contextmanager
def _replacing(path: str, encoding: str) -> Iterator[TextIO]:
    new = f"{path}.new"
    with open(new, "w", encoding=encoding) as file:
        yield file
    os.replace(new, path)


def _is_torn(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    return False
