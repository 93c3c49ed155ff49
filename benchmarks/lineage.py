"""Cost of records and event log: ``python -m benchmarks.lineage [PROJECT ...]`` or ``--append ENTRIES``.

Reads the event logs of projects in which the whole graph has run. Each stage records its duration, and the part of it
spent on events and record (hashes of inputs and outs, code, environment, row counts). The import of the recorder (some
0.01 s) and DVC's hashing of one more small file are not included.

With ``--append``, a new log gets so many entries, and is checked. The disk is measured beside it: one write and flush
of a file is the least that a durable entry can cost.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from lineage import events, machine

ENTRY = 400  # bytes of a short entry


def main() -> None:
    """Print a Markdown table for each project, or the cost of entries."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", default=["."], help="folders with a finished run")
    parser.add_argument(
        "--append", type=int, metavar="ENTRIES", help="measure the event log in a temporary folder here"
    )
    arguments = parser.parse_args()
    if arguments.append:
        print(entries(arguments.append))
    else:
        print("\n".join(map(table, map(Path, arguments.projects))))


def entries(count: int) -> str:
    """Return the cost of an entry of the event log, and of a check of the whole log, as a Markdown table."""
    event = {"event": "start", "stage": "pool", "at": events.now(), **machine.identity(), **machine.hardware()}
    with TemporaryDirectory(dir=Path()) as name:
        root = Path(name)
        disk = _milliseconds(lambda: _flush(root / "file"), count)
        append = _milliseconds(lambda: events.append(root, event), count)
        check = _milliseconds(lambda: events.check(root), 1)
        size = (root / events.LOG).stat().st_size
    rows = [("write and flush of the disk", disk), ("append", append), (f"check of all ({size / 1e6:.1f} MB)", check)]
    return "\n".join([f"| {count} entries | ms |", "|---|---|", *(f"| {what} | {took:.2f} |" for what, took in rows)])


def _milliseconds(work: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times * 1000


def _flush(path: Path) -> None:
    """Append the bytes of an entry to a file, and wait for the disk."""
    with path.open("ab", buffering=0) as file:
        file.write(b"x" * ENTRY)
        os.fsync(file.fileno())


def table(root: Path) -> str:
    """Return the last run of each stage and the sum as a Markdown table."""
    last = {entry["stage"]: entry for entry in events.read(root) if entry.get("status") == "done"}
    rows = [f"| stage of {root.resolve().name} | seconds | recording | share |", "|---|---|---|---|"]
    rows += [_row(f"`{stage}`", entry["seconds"], entry["recording_seconds"]) for stage, entry in last.items()]
    total = [sum(entry[key] for entry in last.values()) for key in ("seconds", "recording_seconds")]
    return "\n".join([*rows, _row("all", *total)])


def _row(name: str, seconds: float, recording: float) -> str:
    return f"| {name} | {seconds:.1f} | {recording:.2f} | {recording / seconds:.1%} |"


if __name__ == "__main__":
    main()
