"""Check of the figures that Git's last commit holds against the runs that made figures."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from lineage import dvc_storage, git, record
from lineage.cached_records import of_files
from lineage.dvc_storage import LOCK
from lineage.files import hashes
from lineage.verify.audited_project import AuditedProject
from lineage.verify.file_differences import difference
from lineage.verify.findings import Finding, note
from tasks.runtime.error_output import one_line
from tasks.runtime.errors import BreathlineError


def check(audited: AuditedProject) -> Iterator[Finding]:
    """Yield small reports whose committed version is not the one that the committed dvc.lock names.

    DVC keeps no copy of them: readers take them from Git. Without dvc.lock in Git, a version that no known record
    names is a note.
    """
    yield from _unreadable(audited)
    locked, folder = dict(audited.committed), git.prefix(audited.root)
    names = {f"HEAD:{folder}{path}": path for path in sorted(audited.uncached)}
    for name, content in git.blobs(audited.root, names).items():
        path = names[name]
        stage = audited.project.maker(path)
        stages = (stage,) if stage else ()
        if path in locked:
            if hashlib.md5(content, usedforsecurity=False).hexdigest() != locked[path]:
                what = "the last commit holds other figures than the run that its dvc.lock names"
                yield Finding("git-figures-differ", path, what + _details(audited, path, content), stages)
            elif audited.hashes.dvc(path) != locked[path]:
                yield from _foreign(audited, path, content, stages)
        elif not locked and hashlib.sha256(content).hexdigest() not in _made(audited, path, stage):
            what = "the last commit holds figures that no known run made, and it has no dvc.lock"
            yield note("git-figures-differ", path, what, stages)


def _unreadable(audited: AuditedProject) -> Iterator[Finding]:
    """Yield the finding of a dvc.lock in the last commit that cannot be read: nothing there could be compared."""
    head = git.file_at(audited.root, "HEAD", LOCK)
    if head and not audited.committed:
        try:
            dvc_storage.read_lock(head)
        except BreathlineError as error:
            what = (
                f"dvc.lock in the last commit cannot be read, so that its figures cannot be compared: {one_line(error)}"
            )
            yield Finding("lock-unreadable", f"{LOCK} at HEAD", f"{what}; commit one that DVC has written")


def _foreign(audited: AuditedProject, path: str, content: bytes, stages: tuple[str, ...]) -> Iterator[Finding]:
    """Yield the finding of figures in Git that its dvc.lock names, and that no known run made.

    They may be those of another clone, or of a run whose record was removed from the cache: then it is a note.
    """
    stage = stages[0] if stages else ""
    if hashlib.sha256(content).hexdigest() in _made(audited, path, stage):
        return
    own = record.path_of(stage).as_posix()
    md5 = dict(audited.committed).get(own)
    known = md5 is not None and (audited.hashes.dvc(own) == md5 or audited.earlier.object(md5) is not None)
    what = "the last commit holds figures that its dvc.lock names, and that no known run made"
    if known:
        what += f": the record of {stage} that the same dvc.lock names has others; commit the figures of that run"
        yield Finding("git-figures-differ", path, what, stages)
    else:
        yield note("git-figures-differ", path, f"{what}; the record of their run is in no cache (`dvc fetch`)", stages)


def _details(audited: AuditedProject, path: str, content: bytes) -> str:
    """Return the difference of committed figures from the current ones, where these are those of dvc.lock."""
    if audited.hashes.dvc(path) != dict(audited.committed)[path]:
        return ""
    with TemporaryDirectory() as folder:
        committed = Path(folder) / Path(path).name
        committed.write_bytes(content)
        return f": {difference(audited.root / path, committed)}"


def _made(audited: AuditedProject, path: str, stage: str | None) -> set[str]:
    """Return the SHA-256 of all versions of a file that records of its stage name."""
    paths = [held for stages in audited.earlier.records.values() for held in stages.get(stage or "", ())]
    cached = (found for _, found in of_files({str(held): held for held in paths}))
    current = audited.project.records.get(stage or "")
    records = [*cached, *([current] if current else [])]
    return {hashes(found["outputs"]).get(path, "") for found in records}
