"""What lies there as W3C PROV (PROV-DM), written as PROV-JSON: which activity used and generated which entity.

Every file is an entity, named by its path and the head of its hash, so that the same bytes at the same place are one
entity wherever they appear. A folder that a stage reads or makes is a collection of them. Stages are activities, with
times and agents as the event log has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineage.exports import origin
from lineage.exports.origin import Run
from lineage.project import Project, Record

PREFIX = {"bl": f"{origin.URN}:"}
Document = dict[str, dict[str, Any]]


def document(project: Project) -> Document:
    """Return all that the records tell, ready to be written as JSON.

    Raises:
        ValueError: The event log cannot be read.
    """
    export, made = _Export(), origin.makers(project)
    for name in project.order:
        if name in project.records:
            export.stage(name, project.records[name], made.get(name))
    return export.document


class _Export:
    def __init__(self) -> None:
        self.document: Document = {"prefix": dict(PREFIX)}

    def stage(self, name: str, made: Record, run: Run | None) -> None:
        activity = f"bl:run/{run.id if run else name}"
        about: dict[str, Any] = {"prov:label": name, "bl:command": made["command"]}
        if run is not None and run.end is not None:
            about |= {"prov:startTime": run.start["at"], "prov:endTime": run.end["at"]}
        self._add("activity", activity, about | {f"bl:param/{key}": str(made["params"][key]) for key in made["params"]})
        plan = self._plan(name, made)
        if run is not None:
            self._relate("wasAssociatedWith", activity=activity, agent=self._agent(run), plan=plan)
        else:
            self._relate("used", activity=activity, entity=plan)
        inputs = [self._entity(entry) for entry in made["inputs"]]
        for entity in inputs:
            self._relate("used", activity=activity, entity=entity)
        for entry in made["outputs"]:
            entity = self._entity(entry)
            for one in dict.fromkeys([entity, *map(_id, entry.get("files", []))]):
                self._relate("wasGeneratedBy", entity=one, activity=activity)
            for source in inputs:
                self._relate("wasDerivedFrom", generatedEntity=entity, usedEntity=source, activity=activity)

    def _entity(self, described: Mapping[str, Any]) -> str:
        about = {"prov:label": described["path"], "bl:sha256": described["sha256"], "bl:bytes": described["bytes"]}
        if "files" in described:
            about["prov:type"] = {"$": "prov:Collection", "type": "prov:QUALIFIED_NAME"}
            for file in described["files"]:
                self._relate("hadMember", collection=_id(described), entity=self._entity(file))
        elif described.get("content"):
            about["bl:content"] = described["content"]
        return self._add("entity", _id(described), about)

    def _plan(self, name: str, made: Record) -> str:
        """Add the code of a stage: its modules, and the state of Git that they were taken from."""
        git = made["git"] or {}
        about: dict[str, Any] = {"prov:type": {"$": "prov:Plan", "type": "prov:QUALIFIED_NAME"}}
        about |= {"prov:label": f"code of {name}", "bl:python": made["environment"]["python"]}
        facts = {"commit": git.get("commit"), "dirty": git.get("dirty"), "diff_sha256": git.get("diff_sha256")}
        facts["lock_sha256"] = made["environment"]["lock_sha256"]
        about |= {f"bl:{key}": value for key, value in facts.items() if value is not None}
        code = self._add("entity", f"bl:code/{name}", about)
        for module in made["code"]:
            for file in module.get("files", [module]):
                self._relate("wasDerivedFrom", generatedEntity=code, usedEntity=self._entity(file))
        return code

    def _agent(self, run: Run) -> str:
        user, host = run.start["user"], run.start["host"]
        about = {"prov:type": {"$": "prov:Person", "type": "prov:QUALIFIED_NAME"}, "prov:label": f"{user} on {host}"}
        return self._add("agent", f"bl:user/{user}/{host}", about)

    def _add(self, kind: str, name: str, about: dict[str, Any]) -> str:
        self.document.setdefault(kind, {})[name] = about
        return name

    def _relate(self, kind: str, **roles: str) -> None:
        relations = self.document.setdefault(kind, {})
        # A relation that is told twice, such as that of a file and a collection that two stages read, is one.
        key = origin.identifier("/".join([kind, *roles.values()]))
        relations[f"_:{key}"] = {f"prov:{role}": name for role, name in roles.items()}


def _id(described: Mapping[str, Any]) -> str:
    return f"bl:file/{described['sha256'][:16]}/{described['path']}"
