"""Harness of the fuzz targets: what it counts, and what it calls a failure."""

import os
import time

import pytest
from hypothesis import strategies as st

from tasks.runtime.errors import BreathlineError
from tests.fuzz import harness


def numbers() -> st.SearchStrategy[int]:
    return st.integers(0, 1000)


def refuse_odd(value: int) -> None:
    if value % 2:
        raise BreathlineError("odd")


def fail_on_large(value: int) -> None:
    if value >= 100:
        raise ValueError(value)


def allocate(value: int) -> None:
    bytearray(2 << 30)


def allocate_and_refuse(value: int) -> None:
    try:
        allocate(value)
    except MemoryError as error:
        raise BreathlineError("large") from error


def sleep(value: int) -> None:
    time.sleep(60)


def compute(value: int) -> None:
    while time.process_time() < 60:
        pass


def end(value: int) -> None:
    os._exit(7)


def test_cases_are_counted():
    tally = harness.fuzz(refuse_odd, numbers, seconds=60, most=50)
    assert tally.accepted > 0
    assert tally.refused > 0
    assert tally.slowest_s < 1
    assert f"{tally.accepted + tally.refused} cases in " in str(tally)


@pytest.mark.slow  # a process each: 6 s
@pytest.mark.parametrize(
    ("target", "message"),
    [
        (fail_on_large, r"value=100(.|\n)*ValueError: 100"),
        (allocate, "MemoryError"),
        (allocate_and_refuse, "more than the allowed memory"),
        (sleep, "took more than 3 s: 0"),
        (compute, "took more than 1 s of CPU time: 0"),
        (end, r"ended the process \(status 7\): 0"),
    ],
)
def test_failures_name_their_example(monkeypatch, target, message):
    monkeypatch.setattr(harness, "CASE_S", 1.0)
    monkeypatch.setattr(harness, "WALL_S", 3.0 if target is sleep else 120.0)
    with pytest.raises(AssertionError, match=message):
        harness.fuzz(target, numbers, seconds=60)
