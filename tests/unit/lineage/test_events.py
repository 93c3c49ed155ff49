"""Faults of the event log, and only faults, are found."""

import json
from concurrent.futures import ThreadPoolExecutor

import hypothesis.strategies as st
import pytest
from hypothesis import given

from lineage import events


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
        (lambda rows: [*rows[:2], *rows[3:]], 3, "missing or moved"),
        (lambda rows: [rows[0], rows[2], rows[1], *rows[3:]], 2, "missing or moved"),
        (lambda rows: rows[:3], 4, "its end was cut off"),
        (lambda rows: [], 1, "its end was cut off"),
        (lambda rows: [*rows[:4], rows[4][:-9]], 5, "cannot be read"),
        (lambda rows: [*rows, rows[4]], 6, "missing or moved"),
    ],
)
def test_a_change_of_the_log_is_a_fault_with_its_entry(tmp_path, tamper, number, what):
    path = log_of(tmp_path)
    path.write_text("".join(tamper(lines(path))))
    found = events.check(tmp_path)
    assert (found[0].number, what in found[0].what) == (number, True), found


def test_a_rewritten_entry_with_a_new_hash_breaks_the_chain_or_the_head(tmp_path):
    path = log_of(tmp_path)
    for place in (2, 4):
        rows = lines(path)
        entry = json.loads(rows[place]) | {"status": 1}
        del entry["hash"]
        rows[place] = json.dumps(entry | {"hash": events.hash_of(entry)}) + "\n"
        path.write_text("".join(rows))
        assert events.check(tmp_path) != []
        path.unlink()
        (tmp_path / events.HEAD).unlink()
        log_of(tmp_path)


def test_a_crash_between_line_and_head_is_no_fault(tmp_path):
    log_of(tmp_path, 3)
    head = (tmp_path / events.HEAD).read_text()
    events.append(tmp_path, {"stage": "late"})
    (tmp_path / events.HEAD).write_text(head)
    assert events.check(tmp_path) == []
    events.append(tmp_path, {"stage": "next"})
    assert events.check(tmp_path) == []


def test_parallel_writers_make_one_chain(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: events.append(tmp_path, {"writer": number}), range(40)))
    assert events.check(tmp_path) == []
    assert sorted(entry["writer"] for entry in events.read(tmp_path)) == list(range(40))


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_every_flipped_bit_is_a_fault(tmp_path_factory, place, bit):
    folder = tmp_path_factory.mktemp("bits", numbered=True)
    path = log_of(folder, 3)
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1 << bit
    path.write_bytes(bytes(data))
    try:
        assert events.check(folder) != []
    except UnicodeDecodeError:
        pytest.fail("a broken character is a fault like any other")
