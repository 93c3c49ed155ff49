"""Small project with thousands of recordings, and event logs of thousands of entries."""

from pathlib import Path
from unittest import mock

from lineage import events, log_head, log_lines
from tests.unit.lineage import small

PLACES = ("Tc", "Al", "Ar", "Pl", "Pr")
FACTS = {"user": "anna", "host": "small", "gpus": [], "cpu": "AMD EPYC", "cores": 2, "memory_mb": 24_000, "pid": 1}
AT = "2026-01-02T00:00:00.000+00:00"


def build(root: Path, recordings: int, cycles: int = 8) -> Path:
    """Write a small project with so many recordings of two seconds, five of a patient, and return its folder."""
    lines = [(0.1 * number, 0.1 * number + 0.3, number % 2, number // 2 % 2) for number in range(cycles)]
    names = (
        (f"{101 + number // 5}_1b1_{PLACES[number % 5]}_sc_Meditron", number // 5 % 5) for number in range(recordings)
    )
    found = {name: ("train" if fifth < 3 else "test", lines) for name, fifth in names}
    with mock.patch.object(small, "RECORDINGS", found), mock.patch.object(small, "SECONDS", 2):
        return small.build(root)


def lengthen_log(root: Path, entries: int) -> None:
    """Add failed runs to an event log, up to a number of entries, in one write."""
    log = root / events.LOG
    last = events.read(root)[-1]
    number, before, start = last["number"], last["hash"], None
    lines = []
    while number < entries:
        number += 1
        run = {"event": "start", **FACTS} if start is None else {"event": "end", "status": "failed", "start": start}
        entry = {"number": number, "before": before, "stage": "train_student@1", "at": AT, **run}
        before = log_lines.hash_of(entry)
        lines.append(log_lines.line_of({**entry, "hash": before}) + "\n")
        start = before if start is None else None
    with log.open("a", encoding="utf-8") as file:
        file.writelines(lines)
    log_head.write(root / events.HEAD, number, before)
