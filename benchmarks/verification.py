"""Duration of `breathline audit verify` by the size of a project: ``python -m benchmarks.verification [RECORDINGS …]``.

Makes the small project of the tests with so many recordings of 4 s, with five log entries for each, and verifies it
three times. The fastest one counts, of a process that has imported everything. Seconds are those of the clock, and of
the processor for all threads.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from lineage import events, log_head
from lineage.log_lines import Entry, hash_of, line_of
from lineage.verify import verification
from tests.unit.lineage import small

SIZES = (200, 2000)  # recordings
ENTRIES = 5  # of the event log for each recording
REPEATS = 3
POSITION = ("number", "before", "hash")


def main() -> None:
    """Print a Markdown table with a row for each size."""
    print("| recordings | log entries | files | MB | seconds | CPU seconds | slowest checks |")
    print("|---|---|---|---|---|---|---|")
    for recordings in map(int, sys.argv[1:] or SIZES):
        with tempfile.TemporaryDirectory() as folder:
            print(row(large(Path(folder) / "project", recordings), recordings), flush=True)


def large(root: Path, recordings: int) -> Path:
    """Write a project of so many recordings, three of each patient, with a long event log; return its folder."""
    cycles = [(0.0, 1.5, 0, 0), (1.5, 3.0, 1, 0)]
    numbers = [(101 + number // 3, number % 3 + 1) for number in range(recordings)]
    names = {f"{patient}_{index}b1_Tc_sc_Meditron": patient for patient, index in numbers}
    sides = {name: ("train" if patient % 3 else "test", cycles) for name, patient in names.items()}
    with mock.patch.object(small, "RECORDINGS", sides):
        small.build(root)
    small.lock(root)
    lengthen(root, ENTRIES * recordings)
    return root


def lengthen(root: Path, number: int) -> None:
    """Repeat the last run in the event log until the log has so many entries."""
    entries = events.read(root)
    lines = [line_of(entry) + "\n" for entry in (*entries, *_repeated(entries, number))]
    (root / events.LOG).write_text("".join(lines), encoding="utf-8")
    last = events.read(root)[-1]
    log_head.write(root / events.HEAD, last["number"], last["hash"])


def _repeated(entries: list[Entry], number: int) -> Iterator[Entry]:
    start, end = ({key: value for key, value in entry.items() if key not in POSITION} for entry in entries[-2:])
    before = entries[-1]["hash"]
    for place in range(len(entries), number):
        given = {"number": place + 1, "before": before, **(end | {"start": before} if place % 2 else start)}
        before = hash_of(given)
        yield {**given, "hash": before}


def row(root: Path, recordings: int) -> str:
    """Return the fastest of some verifications as a row of a Markdown table."""
    reports = {}
    for _ in range(REPEATS):
        began = time.perf_counter(), time.process_time()
        report = verification.verify(root)
        reports[time.perf_counter() - began[0], time.process_time() - began[1]] = report
    best, processor = min(reports)
    found = reports[best, processor]
    slowest = sorted(found.checks.items(), key=lambda item: -item[1])[:3]
    told = ", ".join(f"{name} {seconds:.2f}" for name, seconds in slowest)
    size = f"{found.files:,} | {found.bytes / 1e6:.0f}"
    return f"| {recordings:,} | {len(events.read(root)):,} | {size} | {best:.1f} | {processor:.1f} | {told} |"


if __name__ == "__main__":
    main()
