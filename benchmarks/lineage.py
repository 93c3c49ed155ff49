"""Cost of records and event log in a run: ``python -m benchmarks.lineage [PROJECT ...]``.

Reads the event logs of projects in which the whole graph has run. Each stage records its duration, and the part of it
spent on events and record (hashes of inputs and outs, code, environment, row counts). The import of the recorder (some
0.01 s) and DVC's hashing of one more small file are not included.
"""

import sys
from pathlib import Path

from lineage import events


def main() -> None:
    """Print a Markdown table for each project."""
    for name in sys.argv[1:] or ["."]:
        print(table(Path(name)))


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
