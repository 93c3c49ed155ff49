"""Provenance of all artifacts in W3C PROV (PROV-DM), written as PROV-JSON.

A file is an entity, named by its path and the first digits of its hash: equal bytes at the same path are one entity. A
folder is a collection of entities. A run of a stage is an activity, with times and agents from the event log: software
that acts on behalf of a person. The runs that one run of the graph started are a bundle, which describes all that they
read and made.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from lineage.exports import corpora, stage_runs
from lineage.exports.request import Request
from lineage.exports.stage_runs import GraphRun, Run
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
    about, runs = corpora.about_raw(project), stage_runs.recorded_runs(project)
    whole = _Builder(about, {"prefix": dict(PREFIX)})
    bundles: dict[str, Document] = {}
    for name in project.order:
        if name not in project.records:
            continue
        run = runs.get(name)
        if run is None or run.graph_run is None:
            whole.stage(name, project.records[name], run)
            continue
        bundle = whole.bundle(run.graph_run)
        builder = _Builder(about, bundles.setdefault(bundle, {"prefix": dict(PREFIX)}))
        builder.stage(name, project.records[name], run)
    return whole.document | ({"bundle": bundles} if bundles else {})


class _Builder:
    """Statements of a document or of a bundle."""

    def __init__(self, corpora: Mapping[str, Mapping[str, Any]], document: Document) -> None:
        self.corpora = corpora  # facts of each corpus by the path of its recordings
        self.document = document

    def bundle(self, run: GraphRun) -> str:
        """Add a bundle as an entity, and return its name."""
        about = {"prov:type": _type("Bundle"), "prov:label": f"stages of one run of {run.job}"}
        name = self._add("entity", f"bl:graph/{run.id}", about)
        self._relate("wasAttributedTo", entity=name, agent=self._software("breathline", stage_runs.version()))
        return name

    def stage(self, name: str, made: Record, run: Run | None) -> None:
        activity = f"bl:run/{run.id if run else name}"
        about: dict[str, Any] = {"prov:label": name, "bl:command": made["command"]}
        if run is not None and run.end is not None:
            about |= {"prov:startTime": run.start["at"], "prov:endTime": run.end["at"]}
            about |= {"prov:location": run.start["host"]}
        self._add("activity", activity, about | {f"bl:param/{key}": str(made["params"][key]) for key in made["params"]})
        plan = self._plan(name, made)
        if run is not None:
            self._agents(activity, run, plan, made["environment"]["packages"])
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
            about["prov:type"] = _type("Collection")
            for file in described["files"]:
                self._relate("hadMember", collection=_id(described), entity=self._entity(file))
        elif described.get("content"):
            about["bl:content"] = described["content"]
        return self._add("entity", _id(described), about)

    def _plan(self, name: str, made: Record) -> str:
        """Add the code of a stage: its modules and the state of the Git repository."""
        git = made["git"] or {}
        about: dict[str, Any] = {"prov:type": _type("Plan")}
        about |= {"prov:label": f"code of {name}", "bl:python": made["environment"]["python"]}
        facts = {"commit": git.get("commit"), "dirty": git.get("dirty"), "diff_sha256": git.get("diff_sha256")}
        facts["lock_sha256"] = made["environment"]["lock_sha256"]
        about |= {f"bl:{key}": value for key, value in facts.items() if value is not None}
        code = self._add("entity", f"bl:code/{name}", about)
        for module in made["code"]:
            for file in module.get("files", [module]):
                self._relate("wasDerivedFrom", generatedEntity=code, usedEntity=self._entity(file))
        return code

    def _agents(self, activity: str, run: Run, plan: str, packages: Mapping[str, str]) -> None:
        """Add the software that ran a stage, the software that started it, and the person on whose behalf they did."""
        user, host = str(run.start["user"]), str(run.start["host"])
        about = {"prov:type": _type("Person"), "prov:label": user}
        person = self._add("agent", f"bl:user/{quote(user)}/{quote(host)}", about)
        chain = [self._software("breathline", packages.get("breathline", stage_runs.version()))]
        if run.start.get("started_by") == "dvc":
            chain.append(self._software("dvc", packages.get("dvc", "unknown")))
        self._relate("wasAssociatedWith", activity=activity, agent=chain[0], plan=plan)
        for delegate, responsible in pairwise([*chain, person]):
            self._relate("actedOnBehalfOf", delegate=delegate, responsible=responsible, activity=activity)

    def _software(self, name: str, version: str) -> str:
        about = {"prov:type": _type("SoftwareAgent"), "prov:label": f"{name} {version}"}
        return self._add("agent", f"bl:software/{name}/{quote(version)}", about)

    def _add(self, kind: str, name: str, about: dict[str, Any]) -> str:
        self.document.setdefault(kind, {})[name] = about
        return name

    def _relate(self, kind: str, **roles: str) -> None:
        relations = self.document.setdefault(kind, {})
        # Equal relations are one, such as that of a file and a collection that two stages read.
        key = stage_runs.identifier("/".join([kind, *roles.values()]))
        relations[f"_:{key}"] = {f"prov:{role}": name for role, name in roles.items()}


def _id(described: Mapping[str, Any]) -> str:
    return f"bl:file/{described['sha256'][:16]}/{quote(described['path'])}"


def _type(name: str) -> dict[str, str]:
    """Return a type of the PROV vocabulary as a value."""
    return {"$": f"prov:{name}", "type": "prov:QUALIFIED_NAME"}
