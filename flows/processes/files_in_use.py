"""DVC's list of the files that its processes use, `.dvc/tmp/rwlock`.

DVC writes the list in place. A kill or a full disk may cut it off, and then every DVC process of the project fails:
also one whose stage has run for hours, at its end. `keep_whole` prevents this in the DVC processes of a run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from dvc.repo import Repo


def keep_whole() -> None:
    """Change how the DVC of this process reads and writes the list.

    The new list replaces the old one when it is complete, so that a kill cuts nothing off. A list that another process
    has cut off counts as missing. Entries of this process that a list lacks are restored. The list has a lock of its
    own (`.dvc/tmp/rwlock.lock`), which DVC holds meanwhile.
    """
    from dvc import rwlock

    edit = getattr(rwlock, "_edit_rwlock", None)
    if edit is None:  # another version of DVC
        return
    reads: dict[str, list[dict[str, Any]]] = {}
    writes: dict[str, dict[str, Any]] = {}

    @contextmanager
    def edit_whole(folder: str, fs: object, hardlink: bool) -> Iterator[dict[str, Any]]:
        nonlocal reads, writes
        with edit(folder, _WholeFiles, hardlink) as used:
            for path, infos in reads.items():
                used["read"][path] += [info for info in infos if info not in used["read"][path]]
            for path, info in writes.items():
                used["write"].setdefault(path, info)
            yield used
        # DVC removes a key whose last entry ends.
        own = [(path, [info for info in infos if _is_own(info)]) for path, infos in used.get("read", {}).items()]
        reads = {path: infos for path, infos in own if infos}
        writes = {path: info for path, info in used.get("write", {}).items() if _is_own(info)}

    rwlock._edit_rwlock = edit_whole


def remove_torn(repo: Repo) -> None:
    """Remove a list that has been cut off, so that `dvc repro` and other commands of DVC run again.

    A DVC process that was started without Breathline and still works fails at its end, with or without the list. The
    next run takes its outs from the run cache.
    """
    from dvc.lock import make_lock
    from dvc.rwlock import RWLOCK_FILE, RWLOCK_LOCK

    folder, hardlinks = Path(str(repo.tmp_dir)), repo.config["core"].get("hardlink_lock", False)
    with make_lock(str(folder / RWLOCK_LOCK), tmp_dir=str(folder), hardlink_lock=hardlinks):
        if _is_torn(folder / RWLOCK_FILE):
            (folder / RWLOCK_FILE).unlink()


class _WholeFiles:
    """File system through which DVC reads and writes the list, for which it has locked the list."""

    join = staticmethod(os.path.join)

    @staticmethod
    def open(path: str, mode: str = "r", *, encoding: str) -> Any:
        if mode == "w":
            return _replacing(path, encoding)
        if _is_torn(Path(path)):
            raise FileNotFoundError(path)
        return Path(path).open(encoding=encoding)


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


def _is_own(info: dict[str, Any]) -> bool:
    return bool(info["pid"] == os.getpid())
