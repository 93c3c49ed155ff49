"""What the event log of another machine says of a stage that ran there becomes part of this project's own log.

An adopted entry has a place, and so a hash, of its own here; where it stood and which hash it had there is kept in it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineage import events, machine, record, workspace_logs
from tasks.runtime.files import sha256

PLACE = ("number", "before", "hash")


def adopt(root: Path, stage: str, log: str) -> None:
    """Append the last run of a stage by another machine's log; or, where DVC had its outs without a run, that it did.

    Args:
        root: The project; the stage's outs and its record lie in it already.
        stage: As DVC calls it.
        log: The other machine's event log, as text; empty if nothing ran there.

    Raises:
        ValueError: The log is no list of JSON objects.
    """
    entries = [json.loads(line) for line in log.splitlines()]
    digest = sha256(root / record.path_of(stage))
    ends = [entry for entry in entries if entry["event"] == "end" and entry.get("record") == digest]
    if not ends:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        events.append(root, {"event": "restored", "stage": stage, "at": at, "record": digest, **machine.who()})
        return
    end = ends[-1]
    start = next(entry for entry in entries if entry["hash"] == end["start"])
    first = events.append(root, _moved(start))
    events.append(root, _moved(end) | {"start": first})


def adopt_from_workspaces(root: Path, stage: str) -> None:
    """Append the run of a stage by the log of another workspace, where DVC's run-cache brought what that one made.

    Nothing is appended where the log knows the run, or nobody does.
    """
    path = root / record.path_of(stage)
    if not path.is_file():
        return  # a graph without records
    digest = sha256(path)
    if any((entry.get("stage"), entry.get("record")) == (stage, digest) for entry in events.read(root)):
        return
    if folder := workspace_logs.folder_with(root, stage, digest):
        adopt(root, stage, (folder / events.LOG).read_text(encoding="utf-8"))


def _moved(entry: dict[str, Any]) -> dict[str, Any]:
    there = {key: entry[key] for key in PLACE}
    return {key: value for key, value in entry.items() if key not in PLACE} | {"adopted": there}
