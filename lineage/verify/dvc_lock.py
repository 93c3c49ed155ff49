"""Checks of dvc.lock and DVC's cache against the graph, the records and the files."""

from collections.abc import Iterator, Mapping
from typing import Any

from lineage import dvc_storage, record
from lineage.verify.audited_project import LOCK, AuditedProject
from lineage.verify.findings import Finding, note
from tasks.runtime import params


def check(audited: AuditedProject) -> Iterator[Finding]:
    """Yield differences of dvc.lock from records and files that agree, and entries that confirm changed files.

    Differences between a file and its record are findings of `outputs` and `provenance`. This check finds out whether
    dvc.lock names the changed version.
    """
    project, lock = audited.project, audited.lock
    if not (audited.root / LOCK).is_file():
        what = "the file is not there: only the event log confirms the records"
        yield Finding("lock-missing", LOCK, what, tuple(project.records))
        return
    if not lock:
        return  # an unreadable dvc.lock is a finding of its own
    for stage, found in project.records.items():
        if stage not in lock:
            yield _changed(stage, f"{stage} has a record and no entry")
            continue
        if lock[stage].get("cmd") != found["command"]:
            yield _changed(stage, f"the command of {stage} is not the one that ran: {lock[stage].get('cmd')}")
        locked = (lock[stage].get("params") or {}).get(str(params.PARAMS), {})
        for key in sorted(locked.keys() | found["params"].keys()):
            if locked.get(key) != found["params"].get(key):
                yield _changed(stage, f"`{key}` of {stage} is not the value that the stage read: {locked.get(key)}")
        yield from _paths(stage, lock[stage], found)
        for kind in ("deps", "outs"):
            for entry in lock[stage].get(kind, ()):
                yield from _entry(audited, stage, entry, found)
    for stage in project.stages:
        if stage in lock and stage not in project.records:
            yield from _unrecorded(audited, stage)
    stray = sorted(set(lock) - set(project.stages))
    if stray:
        yield note("lock-stray", LOCK, f"stages that dvc.yaml no longer has: {', '.join(stray)}")


def _changed(stage: str, what: str) -> Finding:
    return Finding("lock-changed", LOCK, what, (stage,))


def _paths(stage: str, locked: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield paths that only dvc.lock or only the record names; no other check compares their MD5."""
    own = record.path_of(stage).as_posix()
    for kind, sections, itself in (("deps", ("inputs", "code"), set()), ("outs", ("outputs",), {own})):
        there = {entry["path"] for entry in locked.get(kind, ())}
        recorded = {entry["path"] for section in sections for entry in found[section]} | itself
        if there != recorded:
            yield _changed(
                stage, f"the {kind} of {stage} are not those of its record: {', '.join(sorted(there ^ recorded))}"
            )


def _unrecorded(audited: AuditedProject, stage: str) -> Iterator[Finding]:
    """Yield outs that differ from dvc.lock, of a stage without a record."""
    own = record.path_of(stage).as_posix()
    for entry in audited.lock[stage].get("outs", ()):
        path = entry["path"]
        if path == own:
            continue  # a finding of `event_log`
        if not (audited.root / path).exists():
            yield Finding("out-missing", path, f"the out of {stage} is missing; only dvc.lock names it", (stage,))
        elif entry["md5"] not in audited.hashes.versions(path):
            there = audited.hashes.dvc(path)
            what = f"it is not what {stage} made: its MD5 is {there}, in dvc.lock, the only evidence, {entry['md5']}"
            yield Finding("out-changed", path, what, (stage,))


def _entry(
    audited: AuditedProject, stage: str, entry: Mapping[str, Any], found: Mapping[str, Any]
) -> Iterator[Finding]:
    path = entry["path"]
    described = {one["path"]: one for kind in ("inputs", "code", "outputs") for one in found[kind]}.get(path)
    versions = audited.hashes.versions(path)
    if described is None or not versions:
        return  # the record itself, or a missing path: findings of other checks
    as_recorded = audited.is_as_recorded(described)
    if entry["md5"] in versions:
        if not as_recorded:
            what = f"dvc.lock names a version of {path} that is not the one in the record of {stage}"
            yield Finding("lock-committed", path, what, (stage,))
        elif entry.get("hash", "md5") != "md5":
            yield _changed(stage, f"the hash of {path} in {stage} is called {entry['hash']}; it is its MD5")
        elif "size" in entry and entry["size"] != (size := versions[entry["md5"]]):
            yield _changed(stage, f"the size of {path} in {stage} is {entry['size']}, that of the file {size}")
    elif as_recorded:
        what = (
            f"the MD5 of {path} in {stage} is {entry['md5']}; the file is as recorded, and has {next(iter(versions))}"
        )
        yield _changed(stage, what)


def cache(audited: AuditedProject, *, everything: bool) -> Iterator[Finding]:
    """Yield objects of the cache that differ from their name, and outs that the cache cannot restore.

    Objects of former stages may be missing, because `dvc gc` removes them. Those that exist must be intact.
    With ``everything``, objects that dvc.lock does not name are checked as well.
    """
    named: dict[str, tuple[str, str]] = {}
    lost: dict[str, str] = {}
    # Where an earlier and a current stage made the same object, the current one comes last and is named.
    outs = dvc_storage.entries(audited.lock, "outs")
    for stage, path, md5 in sorted(outs, key=lambda entry: entry[0] in audited.project.stages):
        if path not in audited.uncached:
            named[md5] = (path, stage)
            named |= {digest: (member, stage) for member, digest in audited.cache.files(path, md5).items()}
    objects = [path for path in audited.cache.objects.glob("??/*") if path.is_file()] if everything else []
    audited.hashes.prefetch([*map(audited.cache.object, named), *objects])
    for md5, (path, stage) in named.items():
        there = audited.hashes.of(audited.cache.object(md5))
        if there is None:
            if stage in audited.project.stages:
                lost[path] = stage
        elif there.md5 != md5.removesuffix(".dir"):
            what = f"the object of {path} differs from its name; its MD5 is {there.md5}: a checkout would use it"
            yield Finding("cache-changed", md5, what, (stage,))
    for held in objects:
        name = held.parent.name + held.name
        there = audited.hashes.of(held)
        if name not in named and there is not None and there.md5 != name.removesuffix(".dir"):
            what = f"an object that dvc.lock does not name differs from its name; its MD5 is {there.md5}"
            yield Finding("cache-changed", name, what)
    if lost:
        what = f"the cache cannot restore {len(lost)} outs, such as {next(iter(lost))}"
        yield note("cache-missing", str(audited.cache.objects), what, tuple(dict.fromkeys(lost.values())))


def names_record(audited: AuditedProject, stage: str) -> bool | None:
    """Return whether dvc.lock names the current record of a stage; None if it has no entry of the record."""
    own = record.path_of(stage).as_posix()
    for entry in audited.lock.get(stage, {}).get("outs", ()):
        if entry["path"] == own:
            return bool(audited.hashes.dvc(own) == entry["md5"])
    return None
