"""Entries of the event log that contradict each other, and those of honest runs, which do not."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from lineage import adoption, events, log_order, record
from tests.pipeline import tampering as do
from tests.unit.lineage import small

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def run(log, stage="pool", minutes=0.0, seconds=60.0, **end):
    """Add start and end of a run that began so many minutes after noon."""
    at = NOW - timedelta(hours=6) + timedelta(minutes=minutes)
    number = len(log) + 1
    start = {"number": number, "hash": f"h{number}", "event": "start", "stage": stage, "user": "anna", "pid": 7}
    ended = {"event": "end", "stage": stage, "start": f"h{number}", "status": "done", "seconds": seconds}
    ended |= {"number": number + 1, "hash": f"h{number + 1}", "record": f"record of {stage} {number}"} | end
    log += [start | {"at": stamp(at)}, {"at": stamp(at + timedelta(seconds=seconds))} | ended]


def stamp(at):
    return at.isoformat(timespec="milliseconds")


@pytest.fixture
def log():
    entries = []
    for number, stage in enumerate(("download@demo", "extract@demo", "pool")):
        run(entries, stage, minutes=10 * number)
    return entries


def days(log, number, count):
    """Move the time of an entry by days."""
    at = datetime.fromisoformat(log[number - 1]["at"]) + timedelta(days=count)
    log[number - 1]["at"] = stamp(at)


CONTRADICTIONS = {
    "a repeated end": (
        lambda log: log.append(log[3] | {"number": 7, "hash": "h7"}),
        "entry 4 has already ended this run",
    ),
    "a repeated run": (
        lambda log: log.extend(
            [
                log[2] | {"number": 7, "hash": "h7"},
                log[3] | {"number": 8, "hash": "h8", "start": "h7"},
            ]
        ),
        "entry 3 is a start of the same process at the same moment",
    ),
    "an end without a start": (lambda log: log[3].update(start="0" * 64), "whose start is not before it"),
    "an end before its start": (lambda log: log.insert(2, log.pop(3)), "whose start is not before it"),
    "an end of another stage": (lambda log: log[3].update(stage="pool"), "its start in entry 3 is of extract@demo"),
    "an end by another user": (lambda log: log[3].update(user="eve"), "with another user"),
    "an end that precedes its start in time": (
        lambda log: log[3].update(at=stamp(NOW - timedelta(hours=9))),
        "before its start in entry 3",
    ),
    "a record of another stage": (
        lambda log: log[3].update(record=log[1]["record"]),
        "a record of download@demo as one of extract@demo",
    ),
    "an entry in the future": (lambda log: days(log, 6, 300), "in the future"),
    "an entry days before the one before": (lambda log: (days(log, 3, -9), days(log, 4, -9)), "days before entry 2"),
    "an adopted run days after the next entry": (
        lambda log: (
            [days(log, number, -9) for number in range(3, 7)],
            [entry.update(adopted={"hash": entry["hash"]}) for entry in log[:2]],
        ),
        "days after entry 3, which follows it",
    ),
    "an adopted run of the future": (
        lambda log: (days(log, 3, 300), log[2].update(adopted={"hash": "x"})),
        "in the future",
    ),
    "an adoption without an origin": (lambda log: log[2].update(adopted={}), "names no entry of another log"),
    "an adoption that is none": (lambda log: log[2].update(adopted=None), "names no entry of another log"),
    "a time that cannot be read": (lambda log: log[2].update(at="yesterday"), "`yesterday` cannot be read"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_contradictions_are_found(log, case):
    change, what = CONTRADICTIONS[case]
    assert log_order.contradictions(log, complete=True, now=NOW) == []
    change(log)
    found = log_order.contradictions(log, complete=True, now=NOW)
    assert [what in fault.what for fault in found[:1]] == [True], found


HONEST = {
    "a killed stage": (lambda log: log.pop(3), ""),
    "a run that failed": (lambda log: log[3].update(status="failed", record=None), ""),
    "two runs at once": (lambda log: (run(log, "evaluate", 20.5), log.insert(5, log.pop(6))), ""),
    "an entry of before the time was kept": (lambda log: log[2].pop("at"), ""),
    "a run across midnight of another zone": (lambda log: log[3].update(at="2026-06-02T00:11:00.000+18:00"), ""),
    "a clock that was set back by an hour": (lambda log: run(log, "evaluate", -40), "entry 7"),
    "a machine that slept during a run": (lambda log: run(log, "evaluate", 60, at=stamp(NOW)), "entry 8"),
    "a machine of another clock": (lambda log: log[5].update(at=stamp(NOW + timedelta(hours=6))), "entry 6"),
}


@pytest.mark.parametrize("case", HONEST)
def test_honest_logs_have_no_contradictions_but_tell_of_clocks(log, case):
    change, where = HONEST[case]
    change(log)
    assert log_order.contradictions(log, complete=True, now=NOW) == []
    assert [fault.where for fault in log_order.clock_steps(log)][:1] == ([where] if where else [])


def test_a_clock_that_was_set_right_is_one_finding(log):
    for number in (1, 2):
        days(log, number, 30)
    for minutes in range(40, 90, 10):
        run(log, "evaluate", minutes)
    later = NOW + timedelta(days=60)
    assert [fault.where for fault in log_order.contradictions(log, complete=True, now=later)] == ["entry 3"]
    for number in (1, 2, 3):
        days(log, number, 300)
    found = log_order.contradictions(log, complete=True, now=NOW)
    assert "entries 1 to 3" in [fault.where for fault in found]


def test_the_start_of_a_run_may_be_among_missing_entries(log):
    del log[2]
    assert log_order.contradictions(log, complete=False, now=NOW) == []


@pytest.fixture
def logs(tmp_path):
    """Return a project with a record, and the log of a worker that made it, which ran another stage before."""
    root, worker = tmp_path / "project", tmp_path / "worker"
    (root / record.path_of("pool")).parent.mkdir(parents=True)
    (root / record.path_of("pool")).write_text("{}")
    for stage in ("first", "pool"):
        start = events.append(worker, {"event": "start", "stage": stage, "at": small.STARTED, "user": "bert"})
        end = {"event": "end", "stage": stage, "start": start, "status": "done", "at": small.ENDED, "seconds": 1.0}
        events.append(worker, end | {"record": small.sha256(root / record.path_of("pool"))})
    return root, worker


def text(folder):
    return (folder / events.LOG).read_text()


def test_an_adopted_run_holds_the_entries_of_the_other_log(logs):
    root, worker = logs
    adoption.adopt(root, "pool", text(worker))
    own, there = events.read(root), events.read(worker)
    by_hash = events.entries_by_hash(own)
    assert [log_order.original(entry, by_hash) | {"hash": ""} for entry in own] == [
        entry | {"hash": ""} for entry in there[2:]
    ]
    # Through another workspace as well: the entry names the log that it came from, which names its own origin.
    third = root.parent / "third"
    (third / record.path_of("pool")).parent.mkdir(parents=True)
    (third / record.path_of("pool")).write_text("{}")
    adoption.adopt(third, "pool", text(root))
    for folder in (root, third):
        assert log_order.contradictions(events.read(folder), complete=True) == []


def test_a_run_is_adopted_once_and_then_restored(logs):
    root, worker = logs
    for _ in range(2):
        adoption.adopt(root, "pool", text(worker))
    assert [entry["event"] for entry in events.read(root)] == ["start", "end", "restored"]
    assert log_order.contradictions(events.read(root), complete=True) == []


def test_an_adoption_that_was_killed_between_its_entries_is_completed(logs, monkeypatch):
    root, worker = logs
    append = events.append

    def killed(folder, event):
        if event["event"] == "end":
            raise KeyboardInterrupt
        return append(folder, event)

    monkeypatch.setattr(events, "append", killed)
    with pytest.raises(KeyboardInterrupt):
        adoption.adopt(root, "pool", text(worker))
    monkeypatch.setattr(events, "append", append)
    adoption.adopt(root, "pool", text(worker))
    assert [entry["event"] for entry in events.read(root)] == ["start", "end"]
    assert log_order.contradictions(events.read(root), complete=True) == []


def test_a_run_without_its_start_is_not_adopted(logs):
    root, worker = logs
    lines = text(worker).splitlines(keepends=True)
    adoption.adopt(root, "pool", lines[0] + lines[1] + lines[3])
    assert [entry["event"] for entry in events.read(root)] == ["restored"]


ADOPTED = {
    "changed": (lambda entry: entry | {"user": "eve"} if entry["event"] == "start" else entry, "it was changed"),
    "another origin": (
        lambda entry: entry | {"adopted": entry["adopted"] | {"hash": "0" * 64}},
        "it was changed",
    ),
}


@pytest.mark.parametrize("case", ADOPTED)
def test_a_changed_adopted_entry_is_found_behind_a_whole_chain(logs, case):
    root, worker = logs
    change, what = ADOPTED[case]
    adoption.adopt(root, "pool", text(worker))
    do.rewrite_log(root, change)
    assert events.check(root) == []
    assert what in log_order.contradictions(events.read(root), complete=True)[0].what


def test_a_run_that_was_adopted_again_by_hand_is_found(logs):
    root, worker = logs
    adoption.adopt(root, "pool", text(worker))
    start, end = events.read(root)
    again = events.append(root, {key: value for key, value in start.items() if key not in ("number", "before", "hash")})
    more = {key: value for key, value in end.items() if key not in ("number", "before", "hash")}
    events.append(root, json.loads(json.dumps(more)) | {"start": again})
    found = log_order.contradictions(events.read(root), complete=True)
    assert [(fault.number, "the same entry of the other log" in fault.what) for fault in found] == [
        (3, True),
        (4, True),
    ]
