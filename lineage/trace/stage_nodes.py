"""Nodes of the making: stages with parameters, seeds and machine, code, and environments."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePath
from typing import Any

from lineage import events, record
from lineage.trace.catalogue import Catalogue
from lineage.trace.node_type import NodeType
from lineage.trace.project_data import ProjectData
from lineage.trace.provenance_graph import Link, Node, links
from tasks.artifacts import FEATURE_CACHES, CorpusFolders
from tasks.runtime.files import sha256

EXTRACTED = CorpusFolders("training", "*").tables.parent
START_FACTS = ("at", "user", "host", "started_by", "flow_run", "system", "cpu", "cores", "memory_mb", "gpus")
END_FACTS = ("seconds", "peak_memory_mb", "peak_gpu_memory_mb", "energy_j", "deterministic", "threads", "cuda", "cudnn")


class Stages(NodeType):
    """``stage:<name>``: a stage, from its record and the last event that names the record.

    Args:
        all_upstream: Whether all makers of an input folder such as ``data/teachers`` are causes. Without it, a folder
            with several makers has none, because the outs lead to those that matter. Folders with a part for each
            training corpus have all of these makers in either case.
    """

    def __init__(self, data: ProjectData, catalogue: Catalogue, *, all_upstream: bool = False) -> None:
        super().__init__(data, catalogue)
        self.all_upstream = all_upstream

    def node(self, name: str) -> Node:
        """Return command, parameters, seeds, decisions and modules; without a record, the command in dvc.yaml."""
        found = self.data.project.records.get(name)
        if found is None:
            command = self.data.project.stages[name].command
            return Node(f"stage:{name}", f"{name} (no record)", {"command": command}, "stages")
        facts = {
            "command": found["command"],
            "params": found["params"],
            "seeds": found["seeds"],
            "decisions": _short(found.get("decisions", {})),
            "modules": found["modules"],
            "account": {key: value for key, value in found["account"].items() if key != "dropped"},
            "dropped": {reason: len(names) for reason, names in found["account"].get("dropped", {}).items()},
            "record": record.path_of(name).as_posix(),
            "run": self._run(name),
        }
        return Node(f"stage:{name}", name, facts, "stages")

    def before(self, name: str) -> Iterator[Link]:
        """Yield code, environment, and the stages whose outs the stage read."""
        found = self.data.project.records.get(name)
        if found is not None:
            yield f"code:{code_id(found)}", "ran"
            yield f"environment:{_hash(found['environment'])}", "ran in"
        project = self.data.project
        inputs = project.stages[name].inputs
        makers = project.upstream(name) if self.all_upstream else [one for path in inputs for one in self._makers(path)]
        yield from links("stage", dict.fromkeys(makers), "made its inputs")

    def _makers(self, path: str) -> list[str]:
        """Return the stages that made an input; none of a folder with several makers, but for the parts of corpora."""
        if PurePath(path) == EXTRACTED or PurePath(path).parent == FEATURE_CACHES:
            return self.data.project.makers(path)
        maker = self.data.project.maker(path)
        return [maker] if maker else []

    def _run(self, name: str) -> dict[str, Any] | None:
        end = self._ends.get((name, sha256(self.data.root / record.path_of(name))))
        if end is None:
            return None
        facts = [(self._by_hash.get(str(end.get("start")), {}), START_FACTS), (end, END_FACTS)]
        return {key: entry[key] for entry, keys in facts for key in keys if key in entry}

    @cached_property
    def _by_hash(self) -> dict[str, dict[str, Any]]:
        return events.entries_by_hash(self.data.log.entries)

    @cached_property
    def _ends(self) -> dict[tuple[str, str], dict[str, Any]]:
        return {(end["stage"], end["record"]): end for end in filter(events.is_success, self.data.log.entries)}


class Code(NodeType):
    """``code:<id>``: the state of the code in Git when stages ran."""

    def node(self, name: str) -> Node:
        """Return the commit, and the differences from it."""
        git = next(found["git"] for found in self.data.project.records.values() if code_id(found) == name)
        if git is None:
            return Node(f"code:{name}", "code outside of Git", {"commit": None})
        state = [word for word in ("dirty", "shallow") if git[word]]
        label = f"commit {(git['commit'] or 'none')[:12]}" + (f" ({', '.join(state)})" if state else "")
        return Node(f"code:{name}", label, git)


class Environments(NodeType):
    """``environment:<hash>``: Python, the lock file and the installed packages."""

    def node(self, name: str) -> Node:
        """Return the versions."""
        found = (entry["environment"] for entry in self.data.project.records.values())
        environment = next(entry for entry in found if _hash(entry) == name)
        label = f"Python {environment['python']}, {len(environment['packages'])} packages"
        return Node(f"environment:{name}", label, environment)


def code_id(found: Mapping[str, Any]) -> str:
    """Return the id of a state of the code: the commit, and a hash of the differences from it."""
    git = found["git"]
    if git is None:
        return "none"
    commit = (git["commit"] or "none")[:12]
    return f"{commit}-{_hash([git['diff_sha256'], git['untracked']])}" if git["dirty"] else commit


def _short(decisions: Mapping[str, Any]) -> dict[str, Any]:
    """Return decisions with the number of cycles in place of their names."""
    shown = {key: value for key, value in decisions.items() if key != "labelled_by"}
    for key in ("subsets", "sampled"):
        if key in shown:
            shown[key] = {name: len(cycles) for name, cycles in shown[key].items()}
    if "held_out" in shown:
        shown["held_out"] = len(shown["held_out"])
    return shown


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
