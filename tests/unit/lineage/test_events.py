"""Faults of the event log, and only faults, are found."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hypothesis.strategies as st
import pytest
from filelock import FileLock
from hypothesis import given

from lineage import events, log_head, log_lines
from lineage.log_lines import LogError, hash_of, line_of
from tasks.runtime import files
from tasks.runtime.errors import BreathlineError

ROOT = Path(__file__).parents[3]


def log_of(folder, count=5):
    for number in range(count):
        events.append(folder, {"stage": f"s{number}", "status": 0})
    return folder / events.LOG


def lines(path):
    return path.read_text().splitlines(keepends=True)


def test_an_intact_log_has_no_fault(tmp_path):
    assert events.check(tmp_path) == []
    log_of(tmp_path)
    assert [entry["stage"] for entry in events.read(tmp_path)] == ["s0", "s1", "s2", "s3", "s4"]
    assert events.check(tmp_path) == []


@pytest.mark.parametrize(
    ("tamper", "number", "what"),
    [
        (lambda rows: [*rows[:2], rows[2].replace('"status":0', '"status":1'), *rows[3:]], 3, "was changed"),
        (lambda rows: [*rows[:2], *rows[3:]], 3, "missing"),
        (lambda rows: [rows[0], rows[2], rows[1], *rows[3:]], 2, "moved: it is behind entry 3"),
        (lambda rows: rows[:3], 4, "its end was cut off"),
        (lambda rows: [], 1, "its end was cut off"),
        (lambda rows: [*rows[:4], rows[4][:-9]], 5, "cannot be read"),
        (lambda rows: [*rows, rows[4]], 5, "repeated: line 6"),
    ],
)
def test_a_change_of_the_log_is_a_fault_with_its_entry(tmp_path, tamper, number, what):
    path = log_of(tmp_path)
    path.write_text("".join(tamper(lines(path))))
    found = events.check(tmp_path)
    assert [(fault.number, what in fault.what) for fault in found] == [(number, True)]


@pytest.mark.parametrize(
    ("kept", "where"),
    [
        ("1 2 3 8 9 10 11 12", ["entries 4 to 7"]),
        ("4 5 6 7 8 9 10 11 12", ["entries 1 to 3"]),
        ("1 3 4 5 9 10 11 12", ["entry 2", "entries 6 to 8"]),
        ("1 2 3 4 5 6", ["entries 7 to 12"]),
        ("1 3 2 4 8 9 10 11", ["entry 2", "entries 5 to 7", "entry 12"]),
    ],
)
def test_each_gap_is_one_fault_with_the_missing_numbers(tmp_path, kept, where):
    path = log_of(tmp_path, 12)
    rows = lines(path)
    path.write_text("".join(rows[int(number) - 1] for number in kept.split()))
    assert [fault.where for fault in events.check(tmp_path)] == where


def test_neighbours_that_were_changed_are_one_fault(tmp_path):
    path = log_of(tmp_path, 9)
    rows = lines(path)
    rows[2:5] = [row.replace('"status":0', '"status":1') for row in rows[2:5]]
    rows[7] = rows[7].replace('"status":0', '"status":1')
    path.write_text("".join(rows))
    assert [fault.where for fault in events.check(tmp_path)] == ["entries 3 to 5", "entry 8"]


def test_a_removed_entry_is_found_behind_new_numbers(tmp_path):
    path = log_of(tmp_path, 6)
    rows = [json.loads(row) for row in lines(path)]
    del rows[2]
    for number, entry in enumerate(rows, 1):
        entry["number"] = number
        entry["hash"] = hash_of(entry)  # the names of the predecessors are those of the old chain
    path.write_text("".join(line_of(entry) + "\n" for entry in rows))
    assert "removed entries were hidden" in events.check(tmp_path)[0].what


def test_entries_of_odd_types_are_faults(tmp_path):
    path = log_of(tmp_path, 2)
    for odd in (
        {},
        {"number": "3", "hash": 3, "event": "repaired", "torn": 1},
        {"number": -1, "hash": [], "before": 1},
    ):
        text = path.read_text()
        path.write_text(text + json.dumps(odd) + "\n")
        assert events.check(tmp_path)[0].number == 3
        path.write_text(text)


def test_a_rewritten_entry_with_a_new_hash_breaks_the_chain_or_the_head(tmp_path):
    path = log_of(tmp_path)
    for place in (2, 4):
        rows = lines(path)
        entry = json.loads(rows[place]) | {"status": 1}
        del entry["hash"]
        rows[place] = json.dumps(entry | {"hash": hash_of(entry)}) + "\n"
        path.write_text("".join(rows))
        assert events.check(tmp_path) != []
        path.unlink()
        (tmp_path / events.HEAD).unlink()
        log_of(tmp_path)


@pytest.mark.parametrize("late", [1, 4])
def test_a_head_that_names_an_earlier_entry_is_no_fault(tmp_path, late):
    """A crash between line and head leaves it, and a power failure, because the head is not flushed."""
    log_of(tmp_path, 3)
    head = (tmp_path / events.HEAD).read_text()
    for _ in range(late):
        events.append(tmp_path, {"stage": "late"})
    (tmp_path / events.HEAD).write_text(head)
    assert events.check(tmp_path) == []
    events.append(tmp_path, {"stage": "next"})
    assert events.check(tmp_path) == []
    assert {entry["stage"] for entry in events.read(tmp_path)[3:]} == {"late", "next"}, "and nothing is repaired"


def test_a_head_of_another_history_is_a_fault(tmp_path):
    log_of(tmp_path, 5)
    head = json.loads((tmp_path / events.HEAD).read_text())
    for number in (2, 4, 5):
        (tmp_path / events.HEAD).write_text(json.dumps({"number": number, "hash": head["hash"][::-1]}))
        assert [fault.what for fault in events.check(tmp_path)] == [
            f"entry {number} of the log is not the one that its head names"
        ]


def test_the_head_keeps_its_size_and_place_on_the_disk(tmp_path):
    log_of(tmp_path, 1)
    before = (tmp_path / events.HEAD).stat()
    log_of(tmp_path, 12)
    after = (tmp_path / events.HEAD).stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size), "so that a full disk takes it"


@pytest.mark.parametrize("folder", ["tmp1x", "standalone/tmp2/sub/project"])
def test_the_log_of_a_temporary_experiment_is_that_of_its_project(tmp_path, folder):
    assert events.home(tmp_path) == tmp_path
    assert events.home(tmp_path / ".dvc/tmp/exps" / folder) == tmp_path


def test_a_run_names_its_start_by_hash(tmp_path):
    first = events.append(tmp_path, {"event": "start", "stage": "pool"})
    events.append(tmp_path, {"event": "end", "start": first})
    read = events.read(tmp_path)
    assert events.entries_by_hash(read)[read[1]["start"]] == read[0]


def test_parallel_writers_make_one_chain(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: events.append(tmp_path, {"writer": number}), range(40)))
    assert events.check(tmp_path) == []
    assert sorted(entry["writer"] for entry in events.read(tmp_path)) == list(range(40))


TORN = '{"at":"2026-11-28T07:00:00.000+00:00","before":"'


@pytest.mark.parametrize("torn", [TORN, "\0" * 4096, "x"], ids=["half a line", "zeros", "one letter"])
def test_a_torn_last_line_is_moved_aside_and_told(tmp_path, torn):
    path = log_of(tmp_path, 3)
    with path.open("a") as file:
        file.write(torn)
    assert [entry["stage"] for entry in events.read(tmp_path)] == ["s0", "s1", "s2"]
    assert events.check(tmp_path) == []
    (fact,) = events.load(tmp_path).notes
    assert (fact.number, f"torn ({len(torn)} bytes)" in fact.what) == (4, True)

    events.append(tmp_path, {"stage": "next"})
    *_, repaired, last = events.read(tmp_path)
    assert (repaired["number"], repaired["event"], last["stage"]) == (4, "repaired", "next")
    aside = path.with_name(repaired["torn"]["file"])
    assert aside.read_text() == torn
    assert repaired["torn"] | {"file": ""} == {"file": "", "bytes": len(torn), "sha256": files.sha256(aside)}
    assert events.check(tmp_path) == []
    (fact,) = events.load(tmp_path).notes
    assert fact.what.startswith(f"a torn line of {len(torn)} bytes was moved to .lineage/{aside.name}")


def test_an_entry_that_lacks_its_line_break_alone_is_kept(tmp_path):
    path = log_of(tmp_path, 3)
    path.write_text(path.read_text().removesuffix("\n"))
    events.append(tmp_path, {"stage": "next"})
    assert [entry["stage"] for entry in events.read(tmp_path)] == ["s0", "s1", "s2", "next"]
    assert (events.check(tmp_path), events.load(tmp_path).notes) == ([], [])


CUTS = {
    "within an entry that the head names": (lambda path: path.write_text(path.read_text()[:-9]), "its end was cut off"),
    "at a line": (lambda path: path.write_text("".join(lines(path)[:-1])), "its end was cut off"),
    "the whole log": (Path.unlink, "its end was cut off"),
    "head missing": (lambda path: (path.parent / "head.json").unlink(), "the head of the log is missing"),
    "head empty": (lambda path: (path.parent / "head.json").write_text(""), "the log's head cannot be read"),
    "head of another log": (
        lambda path: (path.parent / "head.json").write_text(json.dumps({"number": 3, "hash": "a" * 64})),
        "not the one that its head names",
    ),
}


@pytest.mark.parametrize("cut", CUTS)
def test_later_entries_do_not_hide_a_cut_or_a_lost_head(tmp_path, cut):
    path, (change, what) = log_of(tmp_path, 3), CUTS[cut]
    change(path)
    before = events.check(tmp_path)
    assert [what in fault.what for fault in before] == [True]
    for stage in ("next", "and another"):
        events.append(tmp_path, {"stage": stage})
    after = events.check(tmp_path)
    assert [(what in fault.what, "before this entry" in fault.what) for fault in after] == [(True, True)]
    assert events.load(tmp_path).notes == [], "a fault, not a note"


def test_a_complete_line_that_is_no_entry_refuses_every_stage_with_the_next_step(tmp_path):
    path = log_of(tmp_path, 3)
    with path.open("a") as file:
        file.write("not an entry\n")
    with pytest.raises(LogError, match=r"the last line is not an entry.[\s\S]*events.jsonl[\s\S]*move `.lineage` away"):
        events.append(tmp_path, {"stage": "next"})


LAST = {
    "a number that is a text": {"number": "3", "hash": "x", "before": "y"},
    "a number that is a list": {"number": [3], "hash": "x", "before": "y"},
    "a number that is true": {"number": True, "hash": "x", "before": "y"},
    "a hash that is none": {"number": 3, "hash": None, "before": "y"},
}


@pytest.mark.parametrize("case", LAST)
def test_a_last_line_of_odd_types_refuses_every_stage_with_the_next_step(tmp_path, case):
    path = log_of(tmp_path, 2)
    with path.open("a") as file:
        file.write(line_of(LAST[case]) + "\n")
    with pytest.raises(LogError, match="the last line is not an entry"):
        events.append(tmp_path, {"stage": "next"})
    assert events.check(tmp_path)


@pytest.mark.parametrize("number", ["Infinity", "NaN", "1e400", "[1]", "true", '"2"'])
def test_a_head_with_an_odd_number_is_a_fault_and_stops_no_stage(tmp_path, number):
    log_of(tmp_path, 2)
    (tmp_path / events.HEAD).write_text(f'{{"number": {number}, "hash": ""}}')
    assert [fault.what for fault in events.check(tmp_path)] == ["the log's head cannot be read"]
    events.append(tmp_path, {"stage": "next"})
    assert ["head cannot be read" in fault.what for fault in events.check(tmp_path)] == [True]


def test_a_stage_that_appends_while_the_log_is_read_is_no_fault(tmp_path, monkeypatch):
    log_of(tmp_path, 2)
    read = log_lines.entries

    def late(log):
        rows = list(read(log))
        monkeypatch.setattr(log_lines, "entries", read)
        events.append(tmp_path, {"stage": "meanwhile"})
        return iter(rows)

    monkeypatch.setattr(log_lines, "entries", late)
    assert events.load(tmp_path).faults == []


def test_a_crash_between_the_first_entry_and_its_head_is_no_fault(tmp_path, monkeypatch):
    write = log_head.write

    def killed(path, number, digest, signer=None):
        if number:
            raise KeyboardInterrupt
        write(path, number, digest, signer)

    monkeypatch.setattr(log_head, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        events.append(tmp_path, {"stage": "first"})
    monkeypatch.setattr(log_head, "write", write)
    events.append(tmp_path, {"stage": "next"})
    assert (len(events.read(tmp_path)), events.check(tmp_path)) == (2, [])


def test_a_bad_line_does_not_hide_the_entries_before_it(tmp_path):
    path = log_of(tmp_path, 3)
    path.write_text("".join([*lines(path)[:2], "not an entry\n", lines(path)[2]]))
    assert [entry["stage"] for entry in events.read_or_empty(tmp_path)] == ["s0", "s1"]


@pytest.mark.parametrize("key", ["adopted", "evaluated", "at", "start", "record", "gpus"])
@pytest.mark.parametrize("value", [[1], {"students": None}, 7, True])
def test_values_that_no_stage_writes_are_left_out_for_readers(tmp_path, key, value):
    log_of(tmp_path, 1)
    events.append(tmp_path, {"stage": "evaluate", key: value})
    assert [key in entry for entry in events.read_or_empty(tmp_path)] == [False, False]


def test_an_entry_longer_than_a_block_is_found(tmp_path):
    for stage in ("short", "x" * 200_000, "y" * 70_000):
        events.append(tmp_path, {"stage": stage})
    assert events.check(tmp_path) == []


WRITER = """if True:
    import sys
    from pathlib import Path
    from lineage import events
    print("ready", flush=True)
    for number in range(int(sys.argv[3])):
        events.append(Path(sys.argv[1]), {"writer": sys.argv[2], "n": number})
"""


@pytest.mark.slow  # starts four processes, about 3 s
def test_processes_that_append_at_once_make_one_chain_also_when_one_is_killed(tmp_path):
    counts = {"a": 15, "b": 15, "c": 15, "killed": 100_000}
    events.append(tmp_path, {"writer": "before"})  # so that there is a log to be read
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = {
        name: subprocess.Popen([*command, name, str(count)], cwd=ROOT, stdout=subprocess.PIPE)
        for name, count in counts.items()
    }
    for process in writers.values():
        assert process.stdout.readline() == b"ready\n"
    while '"writer":"killed"' not in (tmp_path / events.LOG).read_text():
        time.sleep(0.001)
    writers["killed"].kill()
    assert [process.wait(60) for process in writers.values()] == [0, 0, 0, -signal.SIGKILL]
    events.append(tmp_path, {"writer": "after"})
    assert events.check(tmp_path) == []
    written = Counter(entry.get("writer") for entry in events.read(tmp_path))
    assert {name: written[name] for name in ("a", "b", "c", "after")} == {"a": 15, "b": 15, "c": 15, "after": 1}


def test_a_lock_that_is_never_released_is_an_error(tmp_path, monkeypatch):
    path = log_of(tmp_path, 1)
    monkeypatch.setattr(events, "LOCK_TIMEOUT_S", 0.1)
    with (
        FileLock(path.with_suffix(".lock"), is_singleton=False),
        pytest.raises(BreathlineError, match="Another process has held the lock of the event log"),
    ):
        events.append(tmp_path, {"stage": "next"})


READER = """if True:
    import os, sys
    import filelock  # packages may be closed to the other user
    from pathlib import Path
    from lineage import events
    if os.geteuid() == 0:
        os.seteuid(65534)  # root may write everything
    events.append(Path(sys.argv[1]), {})
"""


def test_a_read_only_log_is_named_and_unchanged():
    folder = Path(tempfile.mkdtemp())  # unlike tmp_path, its parents are open to every user
    try:
        path = log_of(folder, 2)
        before = path.read_bytes()
        for file in (path, path.parent, folder):
            file.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READER, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert "DiskError: Permission denied." in done.stderr
        assert f"where: {path}" in done.stderr
        assert path.read_bytes() == before
    finally:
        for file in (folder, folder / ".lineage"):
            file.chmod(0o755)
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def three_entries(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bits")
    log_of(folder, 3)
    return folder


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_every_flipped_bit_is_a_fault(three_entries, place, bit):
    path = three_entries / events.LOG
    whole = path.read_bytes()
    data = bytearray(whole)
    data[place % len(data)] ^= 1 << bit
    path.write_bytes(bytes(data))
    try:
        assert events.check(three_entries) != []
    finally:
        path.write_bytes(whole)
