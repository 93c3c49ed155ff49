"""Runs of stages, states of the code and identifiers, as all exports name them.

Exports repeat records and events; `breathline audit verify` checks whether the files are still as recorded.
"""

import json
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
class GraphRun:
    """A run of the graph, which starts runs of stages."""

    id: str  # UUID of the flow run, or of the command of DVC
    job: str  # name of what started the stages


@dataclass(frozen=True)
class Run:
    """One run of a stage in the event log."""

    stage: str
    start: Mapping[str, Any]  # event of the start
    end: Mapping[str, Any] | None  # event of the end; none while the stage runs, or after it was killed
    record: Mapping[str, Any] | None  # record of the run, unless a later run has replaced it

    @property
    def id(self) -> str:
        """The UUID of the run, equal in all exports."""
        return identifier(str(self.start["hash"]))

    @property
    def graph_run(self) -> GraphRun | None:
        """The run of the flow or of DVC that started this one; None for a stage that was started by hand."""
        kinds = {"pipeline": self.start.get("flow_run"), "dvc repro": self.start.get("dvc_run")}
        return next((GraphRun(run, job) for job, run in kinds.items() if run), None)


def all_runs(project: Project) -> list[Run]:
    """Return every run of the event log, oldest first.

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


def recorded_runs(project: Project) -> dict[str, Run]:
    """Return the run behind the current record of each stage; a stage that ran on another machine has none."""
    return {run.stage: run for run in all_runs(project) if run.record is not None}


def expand_folders(project: Project, inputs: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield inputs under the names of outs: a folder that several stages fill becomes one entry for each of them."""
    outs = {out["path"]: out for name in project.records for out in project.records[name]["outputs"]}
    for entry in inputs:
        parts = [outs[path] for path in outs if path.startswith(f"{entry['path']}/")]
        yield from parts or [entry]


def code_states(project: Project) -> list[dict[str, Any]]:
    """Return each state of the code in the records: ``git`` as recorded, and ``stages``, the stages that ran on it."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name, made in project.records.items():
        git = made["git"] or {}
        key = str(git.get("commit")), str(git.get("diff_sha256"))
        found.setdefault(key, {"git": git, "stages": []})["stages"].append(name)
    return list(found.values())


def as_json(value: object) -> str:
    """Return a value as the JSON text of a file: equal values give equal bytes."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def identifier(text: str) -> str:
    """Return the UUID that is derived from a text."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{URN}:{text}"))


def version() -> str:
    """Return the installed version of Breathline."""
    return metadata.version("breathline")
