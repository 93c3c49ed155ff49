"""How things were made: the stage with its parameters and seeds, the code, the environment, the machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from lineage import events, record
from lineage.trace.project_data import Evidence
from lineage.trace.provenance_graph import Link, Node, ids
from tasks.runtime.files import sha256

OF_A_RUN = ("at", "user", "host", "started_by", "flow_run", "system", "cpu", "cores", "memory_mb", "gpus")
AT_ITS_END = (
    "seconds",
    "peak_memory_mb",
    "peak_gpu_memory_mb",
    "energy_j",
    "deterministic",
    "threads",
    "cuda",
    "cudnn",
)


class Stages:
    """``stage:<name>``: a stage as its record describes it, and the last event that names this record.

    Args:
        evidence: What lies there.
        whole: Whether of a folder of many (``data/teachers``) all makers are told, as where a stage was asked about.
    """

    def __init__(self, evidence: Evidence, *, whole: bool = False) -> None:
        self.evidence, self.whole = evidence, whole

    def node(self, name: str) -> Node:
        """Return command, parameters, seeds and modules; without a record, what dvc.yaml says."""
        found = self.evidence.project.records.get(name)
        if found is None:
            command = self.evidence.project.stages[name].command
            return Node(f"stage:{name}", f"{name} (no record)", {"command": command}, "stages")
        facts = {
            "command": found["command"],
            "params": found["params"],
            "seeds": found["seeds"],
            "modules": found["modules"],
            "account": {key: value for key, value in found["account"].items() if key != "dropped"},
            "dropped": {reason: len(names) for reason, names in found["account"].get("dropped", {}).items()},
            "record": record.path_of(name).as_posix(),
            "run": self._run(name),
        }
        return Node(f"stage:{name}", name, facts, "stages")

    def before(self, name: str) -> Iterator[Link]:
        """Yield code, environment, and the stages whose outs it read; else of a folder of many, its outs tell which."""
        found = self.evidence.project.records.get(name)
        if found is not None:
            yield f"code:{code_id(found)}", "ran"
            yield f"environment:{_hash(found['environment'])}", "ran in"
        project = self.evidence.project
        makers = project.before(name) if self.whole else map(project.maker, project.stages[name].inputs)
        yield from ids("stage", dict.fromkeys(maker for maker in makers if maker), "made its inputs")

    def after(self, _name: str) -> Iterator[Link]:
        """Yield nothing: no question leads forward from a stage."""
        yield from ()

    def _run(self, name: str) -> dict[str, Any] | None:
        path = self.evidence.root / record.path_of(name)
        end = self._ends.get((name, sha256(path)))
        if end is None:
            return None
        start = self._starts.get(end["start"], {})
        return {key: start[key] for key in OF_A_RUN if key in start} | {
            key: end[key] for key in AT_ITS_END if key in end
        }

    @cached_property
    def _log(self) -> list[dict[str, Any]]:
        try:
            return events.read(self.evidence.root)
        except ValueError:
            return []  # `audit verify` names what is wrong with it

    @cached_property
    def _ends(self) -> dict[tuple[str, str], dict[str, Any]]:
        done = (entry for entry in self._log if entry.get("event") == "end" and entry.get("status") == "done")
        return {(entry["stage"], entry["record"]): entry for entry in done}

    @cached_property
    def _starts(self) -> dict[str, dict[str, Any]]:
        return {entry["hash"]: entry for entry in self._log if entry.get("event") == "start"}


class Code:
    """``code:<id>``: what Git knew of the code when stages ran."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    def node(self, name: str) -> Node:
        """Return the commit, and what differed from it."""
        git = next(found["git"] for found in self.evidence.project.records.values() if code_id(found) == name)
        if git is None:
            return Node(f"code:{name}", "code outside of Git", {"commit": None})
        state = [word for word in ("dirty", "shallow") if git[word]]
        label = f"commit {(git['commit'] or 'none')[:12]}" + (f" ({', '.join(state)})" if state else "")
        return Node(f"code:{name}", label, git)

    def before(self, _name: str) -> Iterator[Link]:
        """Yield nothing: code is a beginning."""
        yield from ()

    after = before


class Environments:
    """``environment:<hash>``: Python, the lock file and the installed packages."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    def node(self, name: str) -> Node:
        """Return versions."""
        found = (entry["environment"] for entry in self.evidence.project.records.values())
        environment = next(entry for entry in found if _hash(entry) == name)
        label = f"Python {environment['python']}, {len(environment['packages'])} packages"
        return Node(f"environment:{name}", label, environment)

    def before(self, _name: str) -> Iterator[Link]:
        """Yield nothing: an environment is a beginning."""
        yield from ()

    after = before


def code_id(found: Mapping[str, Any]) -> str:
    """Return what tells states of the code apart: the commit and the hashes of what differs from it."""
    git = found["git"]
    if git is None:
        return "none"
    commit = (git["commit"] or "none")[:12]
    return f"{commit}-{_hash([git['diff_sha256'], git['untracked']])}" if git["dirty"] else commit


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
