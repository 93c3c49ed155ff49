"""Provenance of all artifacts in W3C PROV (PROV-DM), written as PROV-JSON.

A file is an entity, named by its path and the first digits of its hash: equal bytes at the same path are one entity. A
folder is a collection of entities. A run of a stage is an activity, with times and agent from the event log.
"""

from collections.abc import Mapping
from typing import Any

from lineage.exports import corpora, stage_runs
from lineage.exports.request import Request
from lineage.exports.stage_runs import Run
from lineage.project import Project, Record

PREFIX = {"bl": f"{stage_runs.URN}:"}
Document = dict[str, dict[str, Any]]


def files(request: Request) -> dict[str, str]:
    """Return the document as a file."""
    return {"prov.json": stage_runs.as_json(document(request.project))}


def document(project: Project) -> Document:
    """Return the document of all records.

    Raises:
        ValueError: The event log cannot be read.
    """
    builder, runs = _Builder(corpora.about_raw(project)), stage_runs.recorded_runs(project)
    for name in project.order:
        if name in project.records:
            builder.stage(name, project.records[name], runs.get(name))
    return builder.document


class _Builder:
    def __init__(self, corpora: Mapping[str, Mapping[str, Any]]) -> None:
        self.corpora = corpora  # facts of each corpus by the path of its recordings
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
        about |= {f"bl:{key}": value for key, value in self.corpora.get(described["path"], {}).items()}
        if "files" in described:
            about["prov:type"] = {"$": "prov:Collection", "type": "prov:QUALIFIED_NAME"}
            for file in described["files"]:
                self._relate("hadMember", collection=_id(described), entity=self._entity(file))
        elif described.get("content"):
            about["bl:content"] = described["content"]
        return self._add("entity", _id(described), about)

    def _plan(self, name: str, made: Record) -> str:
        """Add the code of a stage: its modules and the state of the Git repository."""
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
        # Equal relations are one, such as that of a file and a collection that two stages read.
        key = stage_runs.identifier("/".join([kind, *roles.values()]))
        relations[f"_:{key}"] = {f"prov:{role}": name for role, name in roles.items()}


def _id(described: Mapping[str, Any]) -> str:
    return f"bl:file/{described['sha256'][:16]}/{described['path']}"
