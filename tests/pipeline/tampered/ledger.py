"""Changes of the event log whose chain is whole or broken in several places, and honest logs that look similar."""

import os
import re
import shutil
from datetime import datetime, timedelta
from unittest import mock

from lineage import adoption, anchors, events, log_signature, record
from lineage.log_lines import line_of
from tasks.runtime.files import sha256
from tests import toy
from tests.pipeline import tampering as do


def _run(folder, stage, **more):
    """Append a run that made the current record of a stage, with other facts of its end."""
    at = events.now()
    origin = {"user": "anna", "host": "small", "pid": os.getpid()}
    start = events.append(folder, {"event": "start", "stage": stage, "at": at, **origin})
    end = {"event": "end", "stage": stage, "start": start, "status": "done", "at": at, "seconds": 0.0}
    events.append(folder, end | {"record": sha256(folder / record.path_of(stage))} | more)


def _repeat_end(folder):
    """Append the end of the last run once more."""
    events.append(folder, _bare(events.read(folder)[-1]))


def _repeat_run(folder):
    """Append start and end of a run once more."""
    _run(folder, "report")
    start, end = events.read(folder)[-2:]
    events.append(folder, _bare(end) | {"start": events.append(folder, _bare(start))})


def _bare(entry):
    return {key: value for key, value in entry.items() if key not in ("number", "before", "hash")}


def _dated(folder, days, of=lambda entry: True):
    """Move the times of entries by days, behind a whole chain."""

    def change(entry):
        at = datetime.fromisoformat(entry["at"]) + timedelta(days=days)
        return entry | ({"at": at.isoformat(timespec="milliseconds")} if of(entry) else {})

    do.rewrite_log(folder, change)


def _anew(folder):
    """Remove the log; the next run begins another one."""
    shutil.rmtree(folder / ".lineage")
    _run(folder, "report")


def _behind(folder):
    """Crash between the writing of an entry and that of the head."""
    _run(folder, "report")
    before = events.read(folder)[-2]
    (folder / events.HEAD).write_text(line_of({key: before[key] for key in ("number", "hash")}) + "\n")


def _torn(folder):
    """End a process while it writes an entry, and go on."""
    with (folder / events.LOG).open("a") as log:
        log.write('{"at":"2026')
    _run(folder, "report")


def _from_workspace(folder):
    """Lose the log, and adopt the runs from that of a workspace on the same cache."""
    workspace = folder / ".leaderboard/mn_sam"
    workspace.mkdir(parents=True)
    shutil.move(folder / ".lineage", workspace / ".lineage")
    for path in sorted((folder / "data/lineage").glob("*.json")):
        adoption.adopt_from_workspaces(folder, path.stem)


def _tag(folder, name, change=lambda line: line):
    """Tag the commit as Breathline tags a version, with a changed anchor of the log."""
    toy.call(folder, "git", "tag", "-a", "-m", name, "-m", change(anchors.trailer(folder)), name)


def _cut_middle(folder):
    """Leave the runs of a stage out of the log, and make its chain anew, after a version was tagged."""
    _tag(folder, "student@v1.0.0")
    do.rewrite_log(folder, lambda entry: entry if entry["number"] not in (5, 6) else None)


def _copied(folder):
    """Tag in another clone, whose log is there, and fetch the tag."""
    _tag(folder, "student@v1.0.0", lambda line: line.replace(line.split()[1], "1" * 64)[:-12] + "a" * 12)


def _signed(folder):
    """Sign the entries of a run with a key outside of the project, and remove one signature."""
    key = folder.parent / "key.pem"
    toy.call(folder, "openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key))
    key.chmod(0o600)
    with mock.patch.dict(os.environ, {log_signature.KEY: str(key)}):
        _run(folder, "report")


def _strip(folder):
    """Remove the signature of the last entry."""
    _signed(folder)
    do.log(folder, lambda rows: [*rows[:-1], re.sub(r',"signature":"[^"]*"', "", rows[-1])])


# fmt: off
CASES = {
    "the signature of an entry removed": (_strip, "log-signature", "entry ", "its signature was removed"),
    "two entries cut from the middle of a whole chain, after a tag": (_cut_middle,
        "log-anchor record-changed", "entry ", "the tag student@v1.0.0 names entry"),
    "the log begun anew after a tag": (lambda p: (_tag(p, "student@v1.0.0"), _anew(p)),
        "log-anchor record-changed", "entry ", "another log of this folder"),
    "three entries removed in two places": (lambda p: do.log(p, lambda rows: [*rows[:2], *rows[3:6], *rows[8:]]),
        "log-broken record-changed", "entries 7 to 8", "missing"),
    "the end of a run repeated": (_repeat_end, "log-contradicts", "entry ", "the end was repeated"),
    "a run copied, its chain whole": (
        _repeat_run,
        "log-contradicts", "entry ", "is a start of the same process"),
    "the start of a run removed, its chain whole": (
        lambda p: do.rewrite_log(p, lambda entry: entry if entry["number"] != 5 else None),
        "log-contradicts", "entry 5", "whose start is not before it"),
    "a run that ends before it begins": (
        lambda p: _dated(p, -0.5, lambda entry: entry["number"] == 6),
        "log-contradicts", "entry 6", "before its start in entry 5"),
    "a run of the future": (
        lambda p: _dated(p, 40, lambda entry: entry["number"] > 30),
        "log-contradicts", "entries 31 to ", "in the future"),
    "a run dated back": (
        lambda p: _dated(p, -9, lambda entry: entry["stage"] == "evaluate"),
        "log-contradicts", "entry ", "days before entry"),
    "all runs dated back before the commit of their code": (lambda p: _dated(p, -30),
        "log-contradicts", "entry ", "was made at"),
    "a run of one stage with the record of another": (
        lambda p: _run(p, "export", record=sha256(p / record.path_of("evaluate"))),
        "log-contradicts", "entry ", "a record of evaluate as one of export"),
    "the log begun anew": (_anew, "record-changed", "evaluate.json", "no entry of the event log"),
}
# fmt: on
HONEST = {
    "signed entries": _signed,
    "runs after a tag": lambda p: (_tag(p, "student@v1.0.0"), _run(p, "report")),
    "a project that was moved after a tag": lambda p: _tag(p, "v1", lambda line: line[:-12] + "a" * 12),
    "a tag of another clone": _copied,
    "a run again with equal outs": lambda p: _run(p, "report"),
    "a killed stage": lambda p: events.append(p, {"event": "start", "stage": "report", "at": events.now()}),
    "a crash between an entry and the head": _behind,
    "a torn line": _torn,
    "a clock that was set back by hours": lambda p: _dated(p, 0.25, lambda entry: entry["number"] < 9),
    "all runs adopted from a workspace": _from_workspace,
}
