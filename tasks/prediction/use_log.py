"""Log of use: `tasks.prediction.use_entries`, appended as JSON lines or as a Parquet table."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tasks.prediction.use_entries import Entry
from tasks.runtime.disk_errors import disk_errors

PARQUET = ".parquet"
MODE = 0o640  # others do not see who asked about which file


def is_table(path: Path) -> bool:
    """Return whether a log is a Parquet table by its suffix; all others are JSON lines."""
    return path.suffix.lower() == PARQUET


def require_appendable(path: Path) -> None:
    """Check that entries can be appended to a log, before the work whose result they will hold; make it if missing.

    Raises:
        DiskError: The disk or the path refuses the file.
        BreathlineError: A Parquet log cannot be read.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if is_table(path):
            _append_rows(path, [])
        else:
            os.close(_open(path))


def append(path: Path, entries: Iterable[Entry]) -> None:
    """Append entries to a log, all or none; processes that append at the same time wait for each other.

    A file that ends in `.parquet` is written anew each time; JSON lines suit a service better.

    Args:
        path: The log; it is made if missing.
        entries: New entries.

    Raises:
        DiskError: The disk refuses the entries; the log is then as before.
        BreathlineError: A Parquet log cannot be read.
    """
    rows = [asdict(one) for one in entries]
    if not rows:
        return
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if is_table(path):
            _append_rows(path, rows)
        else:
            _append_lines(path, "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode())


def _append_lines(path: Path, lines: bytes) -> None:
    """Append whole lines behind what is there, on a line of their own even where the last one is torn."""
    handle = _open(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # released with the handle, also by a process that is killed
        end = os.fstat(handle).st_size
        torn = end > 0 and os.pread(handle, 1, end - 1) != b"\n"
        waiting = memoryview(b"\n" + lines if torn else lines)
        try:
            while waiting:
                waiting = waiting[os.write(handle, waiting) :]
        except OSError:
            os.ftruncate(handle, end)
            raise
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    """Return the handle of a log that is open for reading and appending."""
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, MODE)


def _append_rows(path: Path, rows: list[dict[str, object]]) -> None:
    """Append rows to a Parquet log."""
    from tasks.prediction import use_log_table  # pyarrow takes 0.1 s to import, and JSON lines do not need it

    use_log_table.append(path, rows, MODE)
