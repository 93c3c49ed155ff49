"""How models and figures came about, as an in-toto Statement v1 with a SLSA provenance v1 predicate.

Formats: in-toto.io/Statement/v1 and slsa.dev/provenance/v1. The whole pipeline is one build: its subjects are the
weights, the predictions and the figures; params.yaml is what it was asked for; what it resolved are code, lock file,
recordings, and pretrained weights. The record of each stage is a by-product, by whose hash all between is fixed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lineage import events, files, record
from lineage.exports import origin
from lineage.exports.origin import Run
from lineage.project import Project
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
FIGURES = ("data/evaluation/predictions.parquet", "reports/metrics.json", "reports/scores.json")
MODELS = ("data/student/", "data/teachers/")
Statement = dict[str, Any]
Descriptor = dict[str, Any]


def statement(project: Project) -> Statement:
    """Return the statement over what the records say was made.

    Raises:
        BreathlineError: No model and no figures were made yet.
        ValueError: The event log cannot be read.
    """
    subjects = sorted(_subjects(project), key=lambda subject: str(subject["name"]))
    if not subjects:
        raise BreathlineError(
            "No record tells of a model or a figure that could be attested.",
            where=project.root / record.FOLDER,
            hint="`breathline run`, or `dvc repro`",
        )
    made = origin.makers(project)
    return {
        "_type": STATEMENT,
        "subject": subjects,
        "predicateType": PROVENANCE,
        "predicate": {
            "buildDefinition": {
                "buildType": f"{origin.URN}:build:dvc:1",
                "externalParameters": _parameters(project),
                "internalParameters": {"runs": [_run(made[name]) for name in project.order if name in made]},
                "resolvedDependencies": list(_dependencies(project)),
            },
            "runDetails": _details(project, made),
        },
    }


def differences(said: Mapping[str, Any], root: Path) -> dict[str, str]:
    """Return what no longer is as a statement says, in words, by the path of each file at fault.

    The files are the statement's subjects (models and figures) and its by-products (records). The last entry of the
    event log at that time has to be in the log that lies there.

    Raises:
        ValueError: It is no in-toto Statement v1 with subjects that are named and hashed.
    """
    if said.get("_type") != STATEMENT or not said.get("subject"):
        raise ValueError(f"This is no in-toto statement: its `_type` is {said.get('_type')!r}, not {STATEMENT}.")
    found = {}
    byproducts = said.get("predicate", {}).get("runDetails", {}).get("byproducts", [])
    heads = [one["digest"]["sha256"] for one in byproducts if one.get("name") == str(events.LOG)]
    for head in heads:
        if head not in [entry.get("hash") for entry in events.read(root)]:
            found[str(events.LOG)] = f"it no longer has its last entry of then, {head[:12]}…: entries were removed"
    for subject in [*said["subject"], *(one for one in byproducts if one.get("name") != str(events.LOG))]:
        name, expected = subject.get("name"), subject.get("digest", {}).get("sha256")
        if not name or not expected:
            raise ValueError(f"A subject of the statement has no name or no SHA-256: {subject}.")
        if not (root / name).is_file():
            found[name] = "it was attested, but is not here"
        elif (seen := sha256(root / name)) != expected:
            found[name] = f"its SHA-256 is {seen[:12]}…, attested is {expected[:12]}…"
    return found


def attestable(project: Project) -> set[str]:
    """Return the paths of the models and figures that a statement over a project names."""
    return {subject["name"] for subject in _subjects(project)}


def _subjects(project: Project) -> Iterator[Descriptor]:
    for made in project.records.values():
        for path, file in files.flat(made["outputs"]).items():
            if path in FIGURES or (path.startswith(MODELS) and path.endswith((".safetensors", "model.json"))):
                yield _descriptor(path, file["sha256"])


def _parameters(project: Project) -> dict[str, Any]:
    return {"stages": {name: made["params"] for name, made in project.records.items()}}


def _dependencies(project: Project) -> Iterator[Descriptor]:
    for state in origin.commits(project).values():
        git, stages = state["git"], {"stages": state["stages"]}
        if git.get("commit"):
            about = {**stages, "shallow": git["shallow"]}
            yield {"name": "source code", "digest": {"gitCommit": git["commit"]}, "annotations": about}
        if git.get("dirty"):
            about = {**stages, "untracked": git["untracked"]}
            yield _descriptor("uncommitted changes", git["diff_sha256"]) | {"annotations": about}
    code = {(file["path"], file["sha256"]) for _, file in project.files("code")}
    yield from (_descriptor(path, digest) for path, digest in sorted(code))
    for lock in sorted({made["environment"]["lock_sha256"] or "" for made in project.records.values()} - {""}):
        yield _descriptor("requirements.lock", lock)
    yield from _outside(project)


def _outside(project: Project) -> Iterator[Descriptor]:
    """Yield what came from elsewhere: the archive or the recordings, and pretrained weights."""
    for name, made in project.records.items():
        if name == "download":
            archive = _json(project.root / "data/raw/source.json").get("archive")
            if archive:
                yield _descriptor(archive["name"], archive["sha256"])
            yield from (_descriptor(path, file["sha256"]) for path, file in files.flat(made["outputs"]).items())
        elif name.startswith("weights@"):
            about = _json(project.root / "data/weights" / name.partition("@")[2] / "source.json")
            if about.get("sha256"):
                licence = {"annotations": {"licence": about["licence"]}} if about.get("licence") else {}
                yield _descriptor(str(about["source"]), about["sha256"]) | licence


def _details(project: Project, made: Mapping[str, Run]) -> dict[str, Any]:
    last = made.get("evaluate") or next((made[name] for name in reversed(project.order) if name in made), None)
    # SLSA asks for who answers for the build. Without an event there is nobody to name: the outs were made elsewhere.
    builder = f"{origin.URN}:builder:{last.start['host']}" if last else f"{origin.URN}:builder:unknown"
    details: dict[str, Any] = {
        "builder": {"id": builder, "version": {"breathline": origin.version()}},
        "byproducts": [
            *(_descriptor(str(path), sha256(project.root / path)) for path in map(record.path_of, project.records)),
            *(_descriptor(str(events.LOG), entry["hash"]) for entry in events.read(project.root)[-1:]),
        ],
    }
    if last is not None and last.end is not None:
        started = min(str(run.start["at"]) for run in made.values())
        finished = max(str(run.end["at"]) for run in made.values() if run.end)
        times = {"startedOn": _utc(started), "finishedOn": _utc(finished)}
        details["metadata"] = {"invocationId": last.end["hash"], **times}
    return details


def _run(run: Run) -> dict[str, Any]:
    keys = ("user", "host", "system", "cpu", "flow_run", "started_by")
    facts = {key: run.start[key] for key in keys if run.start.get(key) is not None}
    return {"stage": run.stage, "id": run.id, "startedOn": _utc(str(run.start["at"])), **facts}


def _utc(at: str) -> str:
    """Return a time as SLSA writes it: with `Z` for UTC, in which all events are."""
    return at.replace("+00:00", "Z")


def _descriptor(name: str, digest: str) -> Descriptor:
    return {"name": name, "digest": {"sha256": digest}}


def _json(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded
