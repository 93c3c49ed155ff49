"""The event log, and the records that it names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lineage import events, record, workspace_logs
from lineage.git import ask_git
from lineage.verify.audited_project import LOCK, Tree
from lineage.verify.dvc_lock import vouches
from lineage.verify.findings import Finding
from tasks.artifacts import RECORDS

Entry = dict[str, Any]
CLONE = " (if it ran on another machine, and this is a clone: --elsewhere)"


def chain(tree: Tree, *, elsewhere: bool) -> Iterator[Finding]:
    """Yield entries that were changed, removed, moved or cut off, and runs that never ended or failed.

    Args:
        tree: The project.
        elsewhere: It ran on another machine, and so may the log lie there.
    """
    if not (tree.root / events.LOG).exists() and not (tree.root / events.HEAD).exists():
        yield from _none(tree, elsewhere)
        return
    by_number = {entry.get("number"): entry for entry in tree.events}
    for fault in events.check(tree.root):
        stage = str(by_number.get(fault.number, {}).get("stage"))
        stages = (stage,) if stage in tree.project.stages else ()
        where = f"{events.LOG}: entry {fault.number}"
        yield Finding(kind="log-broken", where=where, what=fault.what, stages=stages)
    yield from _unfinished(tree)


def _none(tree: Tree, elsewhere: bool) -> Iterator[Finding]:
    """A clone has no log; there, Git's dvc.lock vouches for the records. Where it ran, a missing log is an error."""
    committed = ask_git(tree.root, "ls-files", "--error-unmatch", LOCK) is not None
    clean = committed and ask_git(tree.root, "status", "--porcelain", "--", LOCK) == ""
    what = "there is no event log: who ran what, when and where is not known here"
    if clean:
        what += "; the records are those of the dvc.lock that Git holds" + ("" if elsewhere else CLONE)
    yield Finding(
        kind="log-missing",
        where=str(events.LOG),
        what=what,
        stages=() if clean and elsewhere else tuple(tree.project.records),
        severity="note" if clean and elsewhere else "error",
    )


def _unfinished(tree: Tree) -> Iterator[Finding]:
    ended = {entry.get("start") for entry in tree.events if entry.get("event") == "end"}
    last: dict[str, Entry] = {}
    for entry in tree.events:
        last[str(entry.get("stage"))] = entry
        if entry.get("event") == "start" and entry.get("hash") not in ended:
            what = f"{entry.get('stage')} started and never ended, or has not yet: {entry.get('at')}"
            where = f"{events.LOG}: entry {entry.get('number')}"
            yield Finding(kind="run-unfinished", where=where, what=what, severity="note")
    for stage, entry in last.items():
        if entry.get("event") == "end" and entry.get("status") != "done":
            what = f"the last run of {stage} failed, what lies there is from an earlier one: {entry.get('error')}"
            where = f"{events.LOG}: entry {entry.get('number')}"
            yield Finding(kind="run-failed", where=where, what=what, severity="note")


def done(tree: Tree) -> dict[str, list[Entry]]:
    """Return the entries that end a stage well, or tell that its outs came from elsewhere, oldest first, by stage."""
    found: dict[str, list[Entry]] = {}
    for entry in tree.events:
        if entry.get("event") == "restored" or (entry.get("event") == "end" and entry.get("status") == "done"):
            found.setdefault(str(entry.get("stage")), []).append(entry)
    return found


def records(tree: Tree, *, elsewhere: bool) -> Iterator[Finding]:
    """Yield records that are missing, that neither log nor dvc.lock names, or that belong to no stage.

    Args:
        tree: The project.
        elsewhere: It ran on another machine: a record that Git's dvc.lock names need not be in the log here.
    """
    ended, unreadable = done(tree), {finding.where for finding in tree.unreadable}
    for stage in tree.project.stages:
        path = record.path_of(stage)
        if not (tree.root / path).is_file():
            if stage in tree.lock or stage in ended:
                what = f"{stage} has run, and its record is not there"
                yield Finding(kind="record-missing", where=str(path), what=what, stages=(stage,))
            else:
                what = "it has not run under this version"
                yield Finding(kind="stage-not-run", where=stage, what=what, severity="note")
        elif str(path) not in unreadable:
            yield from _named(tree, stage, path, ended.get(stage, []), elsewhere)
    known = {record.path_of(stage).name for stage in tree.project.stages}
    for file in sorted((tree.root / RECORDS).glob("*.json")):
        if file.name not in known:
            where, what = str(file.relative_to(tree.root)), "a record of a stage that dvc.yaml does not have"
            yield Finding(kind="record-stray", where=where, what=what, severity="note")


def _named(tree: Tree, stage: str, path: Path, ended: list[Entry], elsewhere: bool) -> Iterator[Finding]:
    there = tree.hashes.of(path)
    digest = there.sha256 if there else ""
    locked = vouches(tree, stage)
    by_log = digest in [entry.get("record") for entry in ended]
    logged = not (tree.root / events.LOG).exists() or by_log
    in_git = (path.as_posix(), tree.hashes.dvc(path.as_posix())) in tree.committed
    if not logged and locked and (folder := workspace_logs.folder_with(tree.root, stage, digest)):
        what = f"{stage} ran in {folder}, by whose log this is its record; DVC's run-cache brought it here"
        yield Finding(kind="record-elsewhere", where=str(path), what=what, severity="note")
    elif not logged and locked and in_git and elsewhere:
        what = f"{stage} ran elsewhere: this log has no such run, but the dvc.lock that Git holds names the record"
        yield Finding(kind="record-elsewhere", where=str(path), what=what, severity="note")
    elif not logged:
        also = {
            True: "dvc.lock names it",
            False: "dvc.lock does not name it either",
            None: "dvc.lock has no entry of it",
        }
        what = f"no entry of the event log ends {stage} with this record; {also[locked]}: changed, or made elsewhere"
        what += CLONE if in_git and locked else ""
        yield Finding(kind="record-changed", where=str(path), what=what, stages=(stage,))
    elif locked is False:
        what = f"dvc.lock names another record of {stage}: it ran again without DVC, or one of both was changed"
        yield Finding(kind="record-changed", where=str(path), what=what, stages=(stage,))
    elif by_log and ended[-1].get("record") != digest:
        number = max(entry["number"] for entry in ended if entry.get("record") == digest)
        what = (
            f"{stage} ran later, in entry {ended[-1]['number']}; what lies there was brought back from entry {number}"
        )
        yield Finding(kind="record-earlier", where=str(path), what=what, severity="note")
