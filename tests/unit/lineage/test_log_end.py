"""Head and last line of the event log after crashes, cuts and changes."""

import json
from pathlib import Path

import pytest

from lineage import events, log_head
from lineage.log_lines import LogError, line_of
from tasks.runtime import files
from tests.unit.lineage.event_logs import lines, log_of


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
