"""Everything that `dvc.lock` names, hashed anew: outs, inputs, the cache's objects, and the chain between stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flows.audit import chain
from flows.audit import lock as locks
from flows.audit.contents import FOLDER, Contents
from flows.audit.lock import Entry, Lock
from tasks.errors import BreathlineError

SHOWN = 3  # files that are named


@dataclass(frozen=True)
class Finding:
    """Something that no longer is as `dvc.lock` says.

    Attributes:
        kind: An out, an input that no stage makes, an object of DVC's cache, or the chain from stage to stage.
        stage: Whose it is.
        path: The out or the dep.
        what: What is wrong with it.
        damage: Whether it must not be. An input that was changed since (code, say) is none, and neither is an out that
            the cache has yet.
        downstream: What depends on it, in topological order.
    """

    kind: Literal["out", "input", "cache", "chain"]
    stage: str
    path: str
    what: str
    damage: bool
    downstream: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        findings: What is not as recorded, damage first.
        stages: How many stages are recorded.
        files: How many files were hashed.
        size: How many bytes that were.
    """

    findings: tuple[Finding, ...]
    stages: int
    files: int
    size: int

    @property
    def damage(self) -> tuple[Finding, ...]:
        """What must not be."""
        return tuple(one for one in self.findings if one.damage)


def rehash(root: Path, *, jobs: int = 2) -> Audit:
    """Hash everything that `dvc.lock` names and compare.

    Nothing is written, and no network is used. No run may be at work meanwhile.

    Args:
        root: The project.
        jobs: How many files are read at once.

    Raises:
        BreathlineError: There is no DVC repository, or nothing is recorded yet.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            lock = locks.read(root, repo)
            contents = Contents(root, repo, jobs)
            found = [*_cache(lock, contents), *_outs(lock, contents), *_inputs(lock, contents)]
            found += [
                Finding("chain", dep.stage, dep.path, what, True, lock.downstream(dep.stage))
                for dep, what in chain.breaks(lock, listed=contents.listed, beside=contents.beside)
            ]
    except DvcException as error:
        raise BreathlineError("DVC cannot read the project.", where=root, hint=str(error)) from error
    found.sort(key=lambda one: not one.damage)
    return Audit(tuple(found), len({entry.stage for entry in lock.entries}), contents.files, contents.size)


def _cache(lock: Lock, contents: Contents) -> Iterator[Finding]:
    """Yield the objects that are missing, or are not what their names say; copies of former outs may be missing."""
    kept = [out for out in lock.outs.values() if out.cached]
    former = [out for out in lock.leftover if contents.object(out.md5).is_file()]
    owners: dict[str, tuple[Entry, str]] = {}
    for out in [*kept, *former]:
        owners.setdefault(out.md5, (out, ""))
        listed = contents.listed(out.md5) if out.md5.endswith(FOLDER) else None
        for file, md5 in (listed or {}).items():
            if out in kept or contents.object(md5).is_file():
                owners.setdefault(md5, (out, f" ({file})"))
    contents.look_at_objects(owners)
    for name, (out, file) in owners.items():
        if fault := contents.fault(name):
            what = f"the cache's copy{file} {fault}: {contents.object(name)}"
            yield Finding("cache", out.stage, out.path, what, True, lock.downstream(out.stage))


def _outs(lock: Lock, contents: Contents) -> Iterator[Finding]:
    for out in lock.outs.values():
        found = contents.here(out.path)
        if found is None:
            spare = out.cached and not _lost(out, contents)
            what = "not here; DVC's cache has it" if spare else "neither here nor whole in DVC's cache"
            yield Finding("out", out.stage, out.path, what, not spare, lock.downstream(out.stage))
        elif found[0] != out.md5:
            listed = contents.listed(out.md5) if out.cached and out.md5.endswith(FOLDER) else None
            what = _difference(out, found, listed)
            yield Finding("out", out.stage, out.path, what, True, lock.downstream(out.stage))


def _lost(out: Entry, contents: Contents) -> bool:
    listed = contents.listed(out.md5) if out.md5.endswith(FOLDER) else {"": out.md5}
    return listed is None or any(contents.fault(name) for name in listed.values())


def _inputs(lock: Lock, contents: Contents) -> Iterator[Finding]:
    """Yield what no stage makes and was changed since; what stages make is held to their outs by the chain."""
    known: dict[str, tuple[str, Mapping[str, str]] | None] = {}
    for dep in lock.deps:
        if lock.touching(dep.path):
            continue
        if dep.path not in known:
            known[dep.path] = contents.here(dep.path)
        found = known[dep.path]
        if found is None or found[0] != dep.md5:
            what = "gone since the stage ran" if found is None else "changed since the stage ran"
            yield Finding("input", dep.stage, dep.path, what, False, lock.downstream(dep.stage))


def _difference(out: Entry, found: tuple[str, Mapping[str, str]], listed: Mapping[str, str] | None) -> str:
    whole = f"recorded as {out.md5[:8]}, is {found[0][:8]}"
    if listed is None:
        return whole
    named = [
        f"{name} {'is new' if name not in listed else 'is missing' if name not in found[1] else 'differs'}"
        for name in sorted({*listed, *found[1]})
        if listed.get(name) != found[1].get(name)
    ]
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return f"{whole}: {', '.join(named[:SHOWN])}{more}"
