"""Checks of order and times of the event log, and of the age of the commits that its runs name."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from lineage import events, log_order, record
from lineage.git import ask_git
from lineage.log_chain import Fault
from lineage.log_lines import Entry, number_of
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, note

SKEW = timedelta(days=1)  # tolerance for the clocks of other machines, on which a commit was made


def check(audited: AuditedProject) -> Iterator[Finding]:
    """Yield entries that contradict each other, clocks that were set, and runs before the commit of their code."""
    log = audited.log
    broken = {number for fault in log.faults for number in (fault.number, fault.last)}
    by_number = {number_of(entry): entry for entry in log.entries}
    for fault in log_order.contradictions(log.entries, complete=not log.faults):
        if fault.number not in broken:
            stage = str(by_number.get(fault.number, {}).get("stage"))
            yield Finding("log-contradicts", _where(fault), fault.what, audited.known(stage))
    for fault in log_order.clock_steps(log.entries):
        yield note("log-clock", _where(fault), fault.what)
    if old := log_order.unproven(log.entries):
        what = f"{len(old)} adopted entries do not name their log (an earlier version), so that changes are not found"
        yield note("log-adopted", f"{events.LOG}: entry {number_of(old[0])}", what)
    yield from _commits(audited)


def _commits(audited: AuditedProject) -> Iterator[Finding]:
    """Yield runs that ended before the commit of their record was made."""
    ends = {entry.get("record"): entry for entry in audited.events if events.is_success(entry)}
    runs = [(stage, end, commit) for stage, end, commit in _runs(audited, ends) if log_order.moment(end)]
    dates = _dates(audited, {commit for _, _, commit in runs})
    for stage, end, commit in runs:
        at = log_order.moment(end)
        if at and commit in dates and dates[commit] - at > SKEW:
            what = f"the run of {stage} ended at {end['at']}, and its commit {commit[:9]} was made at {dates[commit]}"
            yield Finding("log-contradicts", f"{events.LOG}: entry {end.get('number')}", what, (stage,))


def _runs(audited: AuditedProject, ends: Mapping[object, Entry]) -> Iterator[tuple[str, Entry, str]]:
    """Yield stage, end and commit of each run whose record is there."""
    for stage, found in audited.project.records.items():
        there = audited.hashes.of(record.path_of(stage))
        commit = (found.get("git") or {}).get("commit")
        if there and there.sha256 in ends and commit:
            yield stage, ends[there.sha256], commit


def _dates(audited: AuditedProject, commits: set[str]) -> dict[str, datetime]:
    """Return when commits were made, except those that Git does not know, which another check names."""
    if not commits:
        return {}
    listed = ask_git(audited.root, "log", "--no-walk", "--ignore-missing", "--format=%H %ct", *sorted(commits)) or ""
    pairs = (line.split() for line in listed.splitlines())
    return {commit: datetime.fromtimestamp(int(at), UTC) for commit, at in pairs}


def _where(fault: Fault) -> str:
    return f"{events.LOG}: {fault.where}"
