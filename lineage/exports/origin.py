"""What every export starts from: which run made what lies there, and how things are named outside of the project.

Exports tell what records and events say; whether the files still are what was recorded is told by `audit verify`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from lineage import events, record
from lineage.project import Project
from tasks.runtime.files import sha256

URN = "urn:breathline"


@dataclass(frozen=True)
class Run:
    """One run of a stage, as the event log tells of it.

    Attributes:
        stage: What ran.
        start: The event of its start.
        end: The event of its end; none where it is still running or was killed.
        record: What it recorded, where that is the record that lies there now.
    """

    stage: str
    start: Mapping[str, Any]
    end: Mapping[str, Any] | None
    record: Mapping[str, Any] | None

    @property
    def id(self) -> str:
        """A UUID that is the same in every export."""
        return identifier(str(self.start["hash"]))


def runs(project: Project) -> list[Run]:
    """Return every run that the event log knows, oldest first.

    Raises:
        ValueError: The log cannot be read.
    """
    log = events.read(project.root)
    ends = {event["start"]: event for event in log if event["event"] == "end"}
    hashes = {name: sha256(project.root / record.path_of(name)) for name in project.records}
    found = []
    for start in (event for event in log if event["event"] == "start"):
        name, end = start["stage"], ends.get(start["hash"])
        made = end is not None and end["status"] == "done" and end.get("record") == hashes.get(name)
        found.append(Run(name, start, end, project.records.get(name) if made else None))
    return found


def makers(project: Project) -> dict[str, Run]:
    """Return, for each stage, the last run that left the record that lies there; a stage made elsewhere has none."""
    return {run.stage: run for run in runs(project) if run.record is not None}


def datasets(project: Project, described: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield what was described, a folder that several stages fill as the outs of each: inputs are named as outs are.

    Args:
        project: The project.
        described: Inputs or outputs of a record.
    """
    outs = {
        out["path"]: out for name in project.records for out in project.records[name]["outputs"] if out.get("files")
    }
    for entry in described:
        parts = [outs[path] for path in outs if path.startswith(f"{entry['path']}/")]
        yield from parts or [entry]


def commits(project: Project) -> dict[str, dict[str, Any]]:
    """Return each state of the code that the records name, and which stages ran on it.

    Returns:
        By commit (empty where there was none) and hash of what was not committed: ``git``, as recorded, and ``stages``.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, made in project.records.items():
        git = made["git"] or {}
        key = f"{git.get('commit') or ''}+{git.get('diff_sha256', '')}"
        found.setdefault(key, {"git": git, "stages": []})["stages"].append(name)
    return found


def identifier(text: str) -> str:
    """Return a UUID that follows from a text."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{URN}:{text}"))


def version() -> str:
    """Return the version of Breathline that is installed."""
    return metadata.version("breathline")


def producer() -> str:
    """Return the URI of what writes the exports."""
    return f"{URN}:{version()}"
