"""Runs of stages as OpenLineage run events (openlineage.io/spec 2-0-2), with facets on runs, jobs and datasets.

A dataset is named by its path within the project, in the namespace of the jobs. A run whose record was replaced by a
later one is exported without datasets. A run of the graph is the parent of the runs of its stages.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lineage import error_texts
from lineage.exports import column_lineage, corpora, stage_runs
from lineage.exports.request import Request
from lineage.exports.source_code import Repository
from lineage.exports.stage_runs import Run
from lineage.project import Project
from models.file_reading import open_table
from tasks.runtime.artifact_reading import as_artifact_error

SPEC = "https://openlineage.io/spec"
CORE = f"{SPEC}/2-0-2/OpenLineage.json#/$defs"
FORMATS = {".parquet": "parquet", ".json": "json", ".csv": "csv", ".txt": "text"}
HARDWARE = ("host", "system", "cpu", "cores", "memory_mb", "gpus", "user", "started_by")
USE = ("seconds", "energy_j", "peak_memory_mb", "peak_memory_of_a_child_mb", "peak_gpu_memory_mb")


def files(request: Request) -> dict[str, str]:
    """Return all events as a file with one JSON object a line, as OpenLineage's file transport writes them."""
    found = events(request.project, os.environ.get("OPENLINEAGE_NAMESPACE") or "breathline")
    lines = (json.dumps(event, sort_keys=True, ensure_ascii=False) + "\n" for event in found)
    return {"openlineage.jsonl": "".join(lines)}


def events(project: Project, namespace: str = "breathline") -> list[dict[str, Any]]:
    """Return a START event for each run, and a COMPLETE or FAIL event for each run that has ended, oldest first.

    Raises:
        ValueError: The event log cannot be read.
    """
    builder = _Builder(project, namespace)
    found = (event for run in stage_runs.all_runs(project) for event in builder.events(run))
    return sorted(found, key=lambda event: str(event["eventTime"]))


class _Builder:
    def __init__(self, project: Project, namespace: str) -> None:
        self.project, self.namespace = project, namespace
        self.corpora = corpora.about_raw(project)  # facts of each corpus by the path of its recordings
        self.producer = f"{stage_runs.URN}:{stage_runs.version()}"
        self.repository = Repository(project.root)

    def events(self, run: Run) -> Iterator[dict[str, Any]]:
        yield self._event(
            "START", run.start["at"], run, {"breathline_machine": self._own(_present(run.start, HARDWARE))}
        )
        if run.end is not None:
            status = "COMPLETE" if run.end["status"] == "done" else "FAIL"
            yield self._event(status, run.end["at"], run, self._ended(run.end, run.record))

    def _event(self, kind: str, at: str, run: Run, facets: dict[str, Any]) -> dict[str, Any]:
        made = run.record if kind == "COMPLETE" else None
        inputs = stage_runs.expand_folders(self.project, made["inputs"] if made else [])
        if run.graph_run is not None:
            job = {"namespace": self.namespace, "name": run.graph_run.job}
            parent = {"run": {"runId": run.graph_run.id}, "job": job}
            facets = facets | {"parent": self._facet("1-2-0", "ParentRunFacet", parent)}
        return {
            "eventType": kind,
            "eventTime": at,
            "producer": self.producer,
            "schemaURL": f"{CORE}/RunEvent",
            "run": {"runId": run.id, "facets": facets},
            "job": {"namespace": self.namespace, "name": run.stage, "facets": self._job(run)},
            "inputs": [self._dataset(one, "input", "1-0-0") for one in inputs],
            "outputs": [self._output(one, made) for one in made["outputs"]] if made else [],
        }

    def _ended(self, end: Mapping[str, Any], made: Mapping[str, Any] | None) -> dict[str, Any]:
        facets = {"breathline_use": self._own(_present(end, USE))}
        if end["status"] != "done":
            message = {"message": error_texts.read(self.project.root, end), "programmingLanguage": "Python"}
            facets["errorMessage"] = self._facet("1-0-1", "ErrorMessageRunFacet", message)
        if made is not None:
            read = [{"key": key, "value": json.dumps(made["params"][key])} for key in sorted(made["params"])]
            facets["executionParameters"] = self._facet("1-0-0", "ExecutionParametersRunFacet", {"parameters": read})
            engine = {"version": made["environment"]["python"], "name": "Python"}
            facets["processing_engine"] = self._facet("1-1-1", "ProcessingEngineRunFacet", engine)
            git = {key: value for key, value in (made["git"] or {}).items() if key != "diff"}
            own = {"git": git or None, "seeds": made["seeds"], "account": made["account"], "record": end["record"]}
            facets["breathline_record"] = self._own(own | {"lock": made["environment"]["lock_sha256"]})
        return facets

    def _job(self, run: Run) -> dict[str, Any]:
        kind = {"processingType": "BATCH", "integration": "DVC", "jobType": "STAGE"}
        facets = {"jobType": self._facet("2-0-4", "JobTypeJobFacet", kind)}
        if run.stage in self.project.stages:
            command = {"language": "shell", "sourceCode": self.project.stages[run.stage].command}
            facets["sourceCode"] = self._facet("1-0-1", "SourceCodeJobFacet", command)
        if run.record is not None and (place := self._location(run.record)):
            facets["sourceCodeLocation"] = self._facet("1-1-0", "SourceCodeLocationJobFacet", place)
        return facets

    def _location(self, made: Mapping[str, Any]) -> dict[str, str] | None:
        """Return where Git has the module of a stage; None without a commit or without a remote."""
        commit = (made["git"] or {}).get("commit")
        module = next((str(one["path"]) for one in made["code"] if one["path"].endswith(".py")), None)
        if not commit or module is None or (url := self.repository.file_url(commit, module)) is None:
            return None
        return {"type": "git", "url": url, "repoUrl": str(self.repository.url), "path": module, "version": commit}

    def _output(self, described: Mapping[str, Any], made: Mapping[str, Any]) -> dict[str, Any]:
        """Return an out of a stage, with the columns from which the columns of a table were copied."""
        dataset = self._dataset(described, "output", "1-0-2")
        columns = [field["name"] for field in dataset["facets"].get("schema", {}).get("fields", [])]
        copied = column_lineage.sources(self.project, made, str(described["path"]), columns)
        if copied:
            fields = {name: {"inputFields": [self._column(*one) for one in copied[name]]} for name in copied}
            lineage = self._facet("1-2-0", "ColumnLineageDatasetFacet", {"fields": fields})
            dataset["facets"]["columnLineage"] = lineage
        return dataset

    def _column(self, path: str, name: str) -> dict[str, Any]:
        unchanged = {"type": "DIRECT", "subtype": "IDENTITY", "description": "copied unchanged", "masking": False}
        return {"namespace": self.namespace, "name": path, "field": name, "transformations": [unchanged]}

    def _dataset(self, described: Mapping[str, Any], side: str, facet: str) -> dict[str, Any]:
        path = Path(str(described["path"]))
        version = {"datasetVersion": described["sha256"]}
        facets = {"version": self._facet("1-0-1", "DatasetVersionDatasetFacet", version)}
        storage = {"storageLayer": "file"} | ({"fileFormat": FORMATS[path.suffix]} if path.suffix in FORMATS else {})
        facets["storage"] = self._facet("1-0-1", "StorageDatasetFacet", storage)
        if described.get("content"):
            facets["breathline_content"] = self._own({"sha256": described["content"]}, "DatasetFacet")
        if about := self.corpora.get(str(path)):
            facets["breathline_corpus"] = self._own(about, "DatasetFacet")
        file = self.project.root / path
        if path.suffix == ".parquet" and file.is_file() and file.stat().st_size == described["bytes"]:
            with as_artifact_error(), open_table(file) as table:
                fields = [{"name": field.name, "type": str(field.type)} for field in table.schema_arrow]
            facets["schema"] = self._facet("1-2-0", "SchemaDatasetFacet", {"fields": fields})
        statistics = {"size": described["bytes"], "fileCount": len(described.get("files", [described]))}
        counted = self._facet(facet, f"{side.title()}Statistics{side.title()}DatasetFacet", statistics)
        of_side = {f"{side}Facets": {f"{side}Statistics": counted}}
        return {"namespace": self.namespace, "name": str(path), "facets": facets, **of_side}

    def _facet(self, version: str, name: str, content: Mapping[str, Any]) -> dict[str, Any]:
        url = f"{SPEC}/facets/{version}/{name}.json#/$defs/{name}"
        return {"_producer": self.producer, "_schemaURL": url, **content}

    def _own(self, content: Mapping[str, Any], base: str = "RunFacet") -> dict[str, Any]:
        """Return a facet of this project's own, under the general schema of its kind."""
        return {"_producer": self.producer, "_schemaURL": f"{CORE}/{base}", **content}


def _present(event: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: event[key] for key in keys if event.get(key) is not None}
