"""Checks of the event log and of the records that it names."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lineage import error_texts, events, record
from lineage.git import ask_git
from lineage.log_lines import number_of
from lineage.verify.audited_project import LOCK, AuditedProject
from lineage.verify.dvc_lock import names_record
from lineage.verify.findings import Finding, note
from tasks.artifacts import RECORDS

Entry = dict[str, Any]
CLONE = " (if it ran on another machine, and this is a clone: --elsewhere)"


def chain(audited: AuditedProject, *, elsewhere: bool) -> Iterator[Finding]:
    """Yield entries that were changed, removed, moved or cut off, and runs that failed or have no end.

    With ``elsewhere``, the run, and so its log, may be on another machine.
    """
    if not (audited.root / events.LOG).exists() and not (audited.root / events.HEAD).exists():
        yield _missing(audited, elsewhere)
        return
    by_number = {number_of(entry): entry for entry in audited.events}
    for fault in audited.log.faults:
        stage = str(by_number.get(fault.number, {}).get("stage"))
        yield Finding("log-broken", f"{events.LOG}: {fault.where}", fault.what, audited.known(stage))
    for fact in audited.log.notes:
        yield note("log-repaired", f"{events.LOG}: {fact.where}", fact.what)
    for entry in audited.events:
        if entry.get("event") == events.BEGUN:
            what = f"the log begins beside {entry.get('records')} records: their runs are in no log of this folder"
            what += " (a clone, or the log was removed)"
            yield note("log-begun", _entry(entry.get("number")), what)
    yield from _unfinished(audited)


def _missing(audited: AuditedProject, elsewhere: bool) -> Finding:
    """Return the finding of a missing log: a note in a clone whose Git holds dvc.lock, else an error."""
    committed = ask_git(audited.root, "ls-files", "--error-unmatch", LOCK) is not None
    clean = committed and ask_git(audited.root, "status", "--porcelain", "--", LOCK) == ""
    what = "there is no event log: user, time and host of the runs are unknown"
    if clean:
        what += "; the records are those of the dvc.lock that Git holds" + ("" if elsewhere else CLONE)
    if clean and elsewhere:
        return note("log-missing", str(events.LOG), what)
    return Finding("log-missing", str(events.LOG), what, tuple(audited.project.records))


def _unfinished(audited: AuditedProject) -> Iterator[Finding]:
    """Yield runs that failed or have no end, except temporary experiments, which leave nothing in the project."""
    ended = {entry.get("start") for entry in audited.events if entry.get("event") == "end"}
    last: dict[str, Entry] = {}
    for entry in _in_project(audited.events):
        last[str(entry.get("stage"))] = entry
        if entry.get("event") == "start" and entry.get("hash") not in ended:
            what = f"{entry.get('stage')} started and has not ended: {entry.get('at')}"
            yield note("run-unfinished", _entry(entry.get("number")), what)
    for stage, entry in last.items():
        if entry.get("event") == "end" and entry.get("status") != "done":
            error = error_texts.read(audited.root, entry)
            what = f"the last run of {stage} failed, its outs are from an earlier run: {error}"
            yield note("run-failed", _entry(entry.get("number")), what)


def _in_project(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the entries of runs in the project itself; a temporary experiment is there once it is applied."""
    return (entry for entry in entries if "experiment" not in entry)


def _entry(number: object) -> str:
    return f"{events.LOG}: entry {number}"


def records(audited: AuditedProject, *, elsewhere: bool) -> Iterator[Finding]:
    """Yield records that are missing, that neither log nor dvc.lock names, or that belong to no stage.

    With ``elsewhere``, the run is from another machine, and Git's dvc.lock suffices to confirm a record.
    """
    ended, unreadable = audited.ended, {finding.where for finding in audited.unreadable}
    for stage in audited.project.stages:
        path = record.path_of(stage)
        if not (audited.root / path).is_file():
            if stage in audited.lock or stage in ended:
                yield Finding("record-missing", str(path), f"{stage} has run, and its record is missing", (stage,))
            else:
                yield note("stage-not-run", stage, "it has not run under this version")
        elif str(path) not in unreadable:
            yield from _named(audited, stage, path, ended.get(stage, []), elsewhere)
    known = {record.path_of(stage).name for stage in audited.project.stages}
    for file in sorted((audited.root / RECORDS).glob("*.json")):
        if file.name not in known:
            where = str(file.relative_to(audited.root))
            yield note("record-stray", where, "a record of a stage that dvc.yaml does not have")


def _named(audited: AuditedProject, stage: str, path: Path, ended: list[Entry], elsewhere: bool) -> Iterator[Finding]:
    """Yield the finding of a record that the event log or dvc.lock does not name."""
    there = audited.hashes.of(path)
    digest = there.sha256 if there else ""
    locked = names_record(audited, stage)
    by_log = digest in [entry.get("record") for entry in ended]
    logged = not (audited.root / events.LOG).exists() or by_log
    in_git = (path.as_posix(), audited.hashes.dvc(path.as_posix())) in audited.committed
    if not logged and locked and (folder := audited.workspace_runs.get((stage, digest))):
        what = f"{stage} ran in {folder}, whose log names this record; DVC's run-cache copied it"
        yield note("record-elsewhere", str(path), what)
    elif not logged and locked and in_git and elsewhere:
        what = f"{stage} ran elsewhere: this log has no such run, but the dvc.lock in Git names the record"
        yield note("record-elsewhere", str(path), what)
    elif not logged:
        also = {
            True: "dvc.lock names it",
            False: "dvc.lock does not name it either",
            None: "dvc.lock has no entry of it",
        }
        what = f"no entry of the event log ends {stage} with this record; {also[locked]}: changed, or made elsewhere"
        what += CLONE if in_git and locked else ""
        yield Finding("record-changed", str(path), what, (stage,))
    elif locked is False:
        what = f"dvc.lock names another record of {stage}: it ran again without DVC, or one of both was changed"
        yield Finding("record-changed", str(path), what, (stage,))
    elif by_log:
        at = max(place for place, entry in enumerate(ended) if entry.get("record") == digest)
        if later := list(_in_project(ended[at + 1 :])):
            what = f"{stage} ran later, in entry {later[-1]['number']}; this record was restored from entry"
            yield note("record-earlier", str(path), f"{what} {ended[at]['number']}")
