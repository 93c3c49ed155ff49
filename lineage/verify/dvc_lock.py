"""dvc.lock and DVC's cache, read without DVC: against the graph, the records, the workspace, and their own names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage import record
from lineage.verify.audited_project import LOCK, Tree
from lineage.verify.findings import Finding
from tasks.runtime import params


def check(tree: Tree) -> Iterator[Finding]:
    """Yield where dvc.lock says otherwise than records and workspace, which agree; and where it was brought in line.

    What differs from its record is told by `outputs` and `making`; here it is asked whether dvc.lock vouches for it.
    """
    project, lock = tree.project, tree.lock
    if not (tree.root / LOCK).is_file():
        what = "it is not there: nothing vouches for the records but the event log"
        yield Finding(kind="lock-missing", where=LOCK, what=what, stages=tuple(project.records))
        return
    if not lock:
        return  # unreadable, which is told
    for stage, found in project.records.items():
        if stage not in lock:
            what = f"{stage} has a record and no entry"
            yield Finding(kind="lock-changed", where=LOCK, what=what, stages=(stage,))
            continue
        if lock[stage].get("cmd") != found["command"]:
            what = f"the command of {stage} is not the one that ran: {lock[stage].get('cmd')}"
            yield Finding(kind="lock-changed", where=LOCK, what=what, stages=(stage,))
        locked = (lock[stage].get("params") or {}).get(str(params.PARAMS), {})
        for key in sorted(locked.keys() | found["params"].keys()):
            if locked.get(key) != found["params"].get(key):
                what = f"`{key}` of {stage} is not what the stage has read: {locked.get(key)}"
                yield Finding(kind="lock-changed", where=LOCK, what=what, stages=(stage,))
        yield from _paths(stage, lock[stage], found)
        for kind in ("deps", "outs"):
            for entry in lock[stage].get(kind, ()):
                yield from _entry(tree, stage, entry, found)
    for stage in project.stages:
        if stage in lock and stage not in project.records:
            yield from _unrecorded(tree, stage)
    stray = sorted(set(lock) - set(project.stages))
    if stray:
        what = f"stages that dvc.yaml no longer has: {', '.join(stray)}"
        yield Finding(kind="lock-stray", where=LOCK, what=what, severity="note")


def _paths(stage: str, locked: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield paths that dvc.lock and a record do not both name: of these, nobody would compare the MD5."""
    own = record.path_of(stage).as_posix()
    for kind, sections, itself in (("deps", ("inputs", "code"), set()), ("outs", ("outputs",), {own})):
        there = {entry["path"] for entry in locked.get(kind, ())}
        recorded = {entry["path"] for section in sections for entry in found[section]} | itself
        if there != recorded:
            what = f"the {kind} of {stage} are not those of its record: {', '.join(sorted(there ^ recorded))}"
            yield Finding(kind="lock-changed", where=LOCK, what=what, stages=(stage,))


def _unrecorded(tree: Tree, stage: str) -> Iterator[Finding]:
    """Yield outs that are not what dvc.lock says, of a stage without a record that could say more."""
    own = record.path_of(stage).as_posix()
    for entry in tree.lock[stage].get("outs", ()):
        path = entry["path"]
        if path == own:
            continue  # told by `log`
        if not (tree.root / path).exists():
            what = f"it is not there; of what {stage} made, dvc.lock alone tells"
            yield Finding(kind="out-missing", where=path, what=what, stages=(stage,))
        elif (there := tree.hashes.dvc(path)) != entry["md5"]:
            what = f"it is not what {stage} made: its MD5 is {there}, by dvc.lock, which alone tells, {entry['md5']}"
            yield Finding(kind="out-changed", where=path, what=what, stages=(stage,))


def _entry(tree: Tree, stage: str, entry: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Finding]:
    path = entry["path"]
    described = {one["path"]: one for kind in ("inputs", "code", "outputs") for one in found[kind]}.get(path)
    there = tree.hashes.dvc(path) if (tree.root / path).exists() else None
    if described is None or there is None:
        return  # the record itself, of which `records` tells; or what dvc.yaml or the workspace lacks, which is told
    as_recorded = _as_recorded(tree, described)
    if there == entry["md5"]:
        if not as_recorded:
            what = f"dvc.lock vouches for a version of {path} that is not the one in the record of {stage}"
            yield Finding(kind="lock-committed", where=path, what=what, stages=(stage,))
        elif entry.get("hash", "md5") != "md5":
            what = f"the hash of {path} in {stage} is called {entry['hash']}; it is its MD5"
            yield Finding(kind="lock-changed", where=LOCK, what=what, stages=(stage,))
        elif "size" in entry and entry["size"] != tree.hashes.size(path):
            what = f"the size of {path} in {stage} is {entry['size']}, that of the file {tree.hashes.size(path)}"
            yield Finding(kind="lock-changed", where=LOCK, what=what, stages=(stage,))
    elif as_recorded:
        what = f"the MD5 of {path} in {stage} is {entry['md5']}; what lies there is as recorded, and has {there}"
        yield Finding(kind="lock-changed", where=LOCK, what=what, stages=(stage,))


def _as_recorded(tree: Tree, described: Mapping[str, Any]) -> bool:
    parts = described.get("files", [described])
    whole = "files" not in described or len(tree.hashes.listing(described["path"])) == len(parts)
    return whole and all((there := tree.hashes.of(one["path"])) and there.sha256 == one["sha256"] for one in parts)


def cache(tree: Tree, *, everything: bool) -> Iterator[Finding]:
    """Yield objects of the cache that are not what their name says, and outs that it cannot restore.

    Copies of what former stages made may be gone (`dvc gc` removes them); those that are left must be whole.

    Args:
        tree: The project.
        everything: Every object, also those that dvc.lock does not name.
    """
    named: dict[str, tuple[str, str]] = {}
    lost: dict[str, str] = {}
    uncached = tree.uncached
    # What both a former stage and a present one have made is the present one's.
    for stage, kind, path, md5 in sorted(tree.locked(), key=lambda entry: entry[0] in tree.project.stages):
        if kind != "outs" or path in uncached:
            continue
        named[md5] = (path, stage)
        for member, digest in tree.members(path, md5).items() if md5.endswith(".dir") else ():
            named[digest] = (member, stage)
    objects = [path for path in tree.cache.glob("??/*") if path.is_file()] if everything else []
    tree.hashes.prefetch([*map(tree.object, named), *objects])
    for md5, (path, stage) in named.items():
        there = tree.hashes.of(tree.object(md5))
        if there is None:
            if stage in tree.project.stages:
                lost[path] = stage
        elif there.md5 != md5.removesuffix(".dir"):
            what = f"the object of {path} is not what its name says, its MD5 is {there.md5}: a checkout would take it"
            yield Finding(kind="cache-changed", where=md5, what=what, stages=(stage,))
    for held in objects:
        name = held.parent.name + held.name
        there = tree.hashes.of(held)
        if name not in named and there is not None and there.md5 != name.removesuffix(".dir"):
            what = f"an object that dvc.lock does not name is not what its name says, its MD5 is {there.md5}"
            yield Finding(kind="cache-changed", where=name, what=what)
    if lost:
        what = f"{len(lost)} outs cannot be restored from here, such as {next(iter(lost))}"
        stages = tuple(dict.fromkeys(lost.values()))
        yield Finding(kind="cache-missing", where=str(tree.cache), what=what, stages=stages, severity="note")


def vouches(tree: Tree, stage: str) -> bool | None:
    """Return whether dvc.lock names the record of a stage as it lies there; none where it says nothing of it."""
    own = record.path_of(stage).as_posix()
    for entry in tree.lock.get(stage, {}).get("outs", ()):
        if entry["path"] == own:
            return bool(tree.hashes.dvc(own) == entry["md5"])
    return None
