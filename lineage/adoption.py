"""Adoption of event-log entries of another machine or workspace into the project's own log.

An adopted entry gets a number and a hash in this log. Those of the other log are kept under `adopted`, with the hash of
that log's first entry. So the entry of the other log can be made again from it.
"""

from collections.abc import Sequence
from pathlib import Path

from lineage import events, log_lines, machine, record, workspace_logs
from lineage.log_lines import Entry
from lineage.log_order import OF_LOG
from tasks.runtime.files import sha256


def adopt(root: Path, stage: str, log: str) -> None:
    """Append the run that made a stage's record, from the log of another machine.

    Without such a run, or if this log already has it, DVC has restored the outs, and an event ``restored`` is appended.

    Args:
        root: Root of the project, which already has the stage's outs and record.
        stage: Name of the stage in DVC.
        log: Text of the other machine's event log; empty if nothing ran there.

    Raises:
        LogError: A complete line of the log is not an entry.
    """
    entries = log_lines.entries_in(log)
    digest = sha256(root / record.path_of(stage))
    run, adopted = _run(entries, digest), _adopted(root)
    if run is None or run[1]["hash"] in adopted:
        restored = {"event": "restored", "stage": stage, "at": events.now(), "record": digest}
        events.append(root, {**restored, **machine.identity()})
        return
    start, end = run
    place = entries[0]["hash"]
    # The log has the start already after a crash between both entries.
    first = adopted.get(start["hash"]) or events.append(root, _with_origin(start, place))
    events.append(root, _with_origin(end, place) | {"start": first})


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
    if folder := workspace_logs.runs(root).get((stage, digest)):
        adopt(root, stage, (folder / events.LOG).read_text(encoding="utf-8"))


def _run(entries: Sequence[Entry], digest: str) -> tuple[Entry, Entry] | None:
    """Return start and end of the last run that ended with a record; None if the log does not have both."""
    ends = [entry for entry in entries if entry.get("event") == "end" and entry.get("record") == digest]
    start = events.entries_by_hash(entries).get(ends[-1].get("start", "")) if ends else None
    return (start, ends[-1]) if start else None


def _adopted(root: Path) -> dict[str, str]:
    """Return the entries that this log has adopted: their hashes here by those in the other logs."""
    return {entry["adopted"]["hash"]: entry["hash"] for entry in events.usable(events.read(root)) if "adopted" in entry}


def _with_origin(entry: Entry, log: str) -> Entry:
    """Return an entry for this log, with its origin: the first entry of the other log, and its position there."""
    position = {key: entry[key] for key in OF_LOG if key in entry}
    return {key: value for key, value in entry.items() if key not in OF_LOG} | {"adopted": position | {"log": log}}
