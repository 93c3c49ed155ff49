"""Event logs of a few entries, for the tests of the log."""

from pathlib import Path

from lineage import events


def log_of(folder: Path, count: int = 5) -> Path:
    """Append entries to the event log of a folder, and return its path."""
    for number in range(count):
        events.append(folder, {"stage": f"s{number}", "status": 0})
    return folder / events.LOG


def lines(path: Path) -> list[str]:
    """Return the lines of a file with their ends."""
    return path.read_text(encoding="utf-8").splitlines(keepends=True)
