"""Whether each stage has read what the one before it made: followed through `dvc.lock` alone, from hash to hash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from flows.audit.contents import FOLDER, of_folder
from flows.audit.lock import Entry, Lock

Files = Mapping[str, str]


def breaks(
    lock: Lock, *, listed: Callable[[str], Files | None], beside: Callable[[str, Sequence[str]], Files]
) -> Iterator[tuple[Entry, str]]:
    """Yield each dep that is not what the stages before have made, and what those made instead.

    Args:
        lock: What is recorded.
        listed: Returns the files of a folder by its hash; None where its list is lost, and nothing can be told.
        beside: Returns the files of a folder that none of some outs holds: Git's, for a dep may be a folder of outs.
    """
    for dep in lock.deps:
        outs = lock.touching(dep.path)
        made = _made(dep, outs, listed, beside) if outs else None
        if made is not None and made != dep.md5:
            stages = ", ".join(dict.fromkeys(out.stage for out in outs))
            yield dep, f"read as {dep.md5[:8]}, but {stages} made {made[:8] or 'nothing of that name'}"


def _made(
    dep: Entry,
    outs: Sequence[Entry],
    listed: Callable[[str], Files | None],
    beside: Callable[[str, Sequence[str]], Files],
) -> str | None:
    """Return the hash that a dep must have by the outs that it is made of; empty where they have no such file."""
    first = outs[0]
    if first.path == dep.path:
        return first.md5
    if PurePosixPath(dep.path).is_relative_to(first.path):
        files = listed(first.md5)
        return None if files is None else _part(files, str(PurePosixPath(dep.path).relative_to(first.path)))
    whole = dict(beside(dep.path, [out.path for out in outs]))
    for out in outs:
        name = str(PurePosixPath(out.path).relative_to(dep.path))
        if not out.md5.endswith(FOLDER):
            whole[name] = out.md5
        elif (files := listed(out.md5)) is None:
            return None
        else:
            whole |= {f"{name}/{file}": md5 for file, md5 in files.items()}
    return of_folder(whole)


def _part(files: Files, name: str) -> str:
    if name in files:
        return files[name]
    below = {path.removeprefix(f"{name}/"): md5 for path, md5 in files.items() if path.startswith(f"{name}/")}
    return of_folder(below) if below else ""
