"""Faults of the event log, and only faults, are found."""

import json
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from lineage import events
from lineage.log_lines import hash_of, line_of
from tests.unit.lineage.event_logs import lines, log_of


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


def test_a_bad_line_does_not_hide_the_entries_before_it(tmp_path):
    path = log_of(tmp_path, 3)
    path.write_text("".join([*lines(path)[:2], "not an entry\n", lines(path)[2]]))
    assert [entry["stage"] for entry in events.read_or_empty(tmp_path)] == ["s0", "s1"]


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
