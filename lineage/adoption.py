"""Adoption of event-log entries of another machine or workspace into the project's own log.

An adopted entry gets a number and a hash in this log. Its number and hashes in the other log are kept under `adopted`.
"""

from pathlib import Path
from typing import Any

from lineage import events, log_lines, machine, record, workspace_logs
from tasks.runtime.files import sha256

POSITION = ("number", "before", "hash")  # keys that depend on the log


def adopt(root: Path, stage: str, log: str) -> None:
    """Append the run that made a stage's record, from the log of another machine.

    Without such a run, DVC has restored the outs there, and an event ``restored`` is appended.

    Args:
        root: Root of the project, which already has the stage's outs and record.
        stage: Name of the stage in DVC.
        log: Text of the other machine's event log; empty if nothing ran there.

    Raises:
        LogError: A complete line of the log is not an entry.
    """
    entries = log_lines.entries_in(log)
    digest = sha256(root / record.path_of(stage))
    ends = [entry for entry in entries if entry.get("event") == "end" and entry.get("record") == digest]
    if not ends:
        restored = {"event": "restored", "stage": stage, "at": events.now(), "record": digest}
        events.append(root, {**restored, **machine.identity()})
        return
    end = ends[-1]
    first = events.append(root, _adopted(events.start_of(entries, end)))
    events.append(root, _adopted(end) | {"start": first})


def adopt_from_workspaces(root: Path, stage: str) -> None:
    """Append the run of a stage whose outs DVC's run-cache copied from another workspace.

    Nothing is appended where this log already has the run, or no workspace has it.
    """
    path = root / record.path_of(stage)
    if not path.is_file():
        return  # a graph without records
    digest = sha256(path)
    if any((entry.get("stage"), entry.get("record")) == (stage, digest) for entry in events.read(root)):
        return
    if folder := workspace_logs.folder_with(root, stage, digest):
        adopt(root, stage, (folder / events.LOG).read_text(encoding="utf-8"))


def _adopted(entry: dict[str, Any]) -> dict[str, Any]:
    position = {key: entry[key] for key in POSITION}
    return {key: value for key, value in entry.items() if key not in POSITION} | {"adopted": position}
