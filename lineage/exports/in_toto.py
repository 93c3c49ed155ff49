"""Provenance of models and figures: an in-toto Statement v1 with a SLSA provenance v1 predicate.

Formats: in-toto.io/Statement/v1 and slsa.dev/provenance/v1. The whole pipeline is one build. Its subjects are weights,
predictions, figures, plots and the report. Its external parameters are those of params.yaml. Its resolved dependencies
are code, lock file, recordings and pretrained weights. By-products are the record of each stage, whose hash covers all
steps in between, and the event log up to its last entry.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lineage import events, log_lines, record
from lineage.exports import attested, corpora, dsse, results, stage_runs
from lineage.exports.request import Request
from lineage.exports.source_code import Repository
from lineage.exports.stage_runs import Run
from lineage.files import by_path
from lineage.project import Project
from models import file_names
from tasks import artifacts
from tasks.runtime.artifact_reading import read_json
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

PROVENANCE = "https://slsa.dev/provenance/v1"
FIGURES = tuple(
    path.as_posix()
    for path in (
        artifacts.PREDICTIONS,
        artifacts.EXTERNAL_PREDICTIONS,
        artifacts.NATIVE_PREDICTIONS,
        artifacts.METRICS,
        artifacts.SCORES,
        artifacts.EXPLANATION,
        artifacts.REPORT,
    )
)
REPORT, REPORTING = artifacts.REPORT.as_posix(), "report"  # the report, and the stage that makes it
PLOTS = f"{artifacts.PLOTS.as_posix()}/"
MODELS = tuple(f"{path.as_posix()}/" for path in (artifacts.STUDENTS, artifacts.TEACHERS, artifacts.EXPORTS))
MODEL_FILES = (".safetensors", ".onnx", file_names.CARD)  # ends of their names
Statement = dict[str, Any]
Descriptor = dict[str, Any]


def files(request: Request) -> dict[str, str]:
    """Return the statement, and its signed envelope if there is a key, by file name."""
    made = statement(request.project)
    signed = {"intoto.dsse.json": stage_runs.as_json(dsse.sign(made, request.key))} if request.key else {}
    return {"intoto.json": stage_runs.as_json(made), **signed}


def statement(project: Project) -> Statement:
    """Return the statement about the recorded models and figures.

    Raises:
        BreathlineError: No record names a model or a figure.
        ValueError: The event log cannot be read.
    """
    subjects = sorted(_subjects(project), key=lambda subject: str(subject["name"]))
    if not subjects:
        raise BreathlineError(
            "No record names a model or a figure.",
            where=project.root / artifacts.RECORDS,
            hint="`breathline run`, or `dvc repro`",
        )
    runs = stage_runs.recorded_runs(project)
    return {
        "_type": attested.STATEMENT,
        "subject": subjects,
        "predicateType": PROVENANCE,
        "predicate": {
            "buildDefinition": {
                "buildType": f"{stage_runs.URN}:build:dvc:1",
                "externalParameters": {"stages": {name: made["params"] for name, made in project.records.items()}},
                "internalParameters": {"runs": [_run(runs[name]) for name in project.order if name in runs]},
                "resolvedDependencies": list(_dependencies(project)),
            },
            "runDetails": _details(project, runs),
        },
    }


def attestable(project: Project) -> set[str]:
    """Return the paths of the models and figures that a statement about the project would name."""
    return {subject["name"] for subject in _subjects(project)}


def _subjects(project: Project) -> Iterator[Descriptor]:
    for made in project.records.values():
        for path, file in by_path(made["outputs"]).items():
            if path in FIGURES or path.startswith(PLOTS) or (path.startswith(MODELS) and path.endswith(MODEL_FILES)):
                # The bytes of the report hold its provenance, such as times of the runs, which its content does not.
                content = {"annotations": {"content": file["content"]}} if path == REPORT and "content" in file else {}
                yield _descriptor(path, file["sha256"]) | content


def _log(root: Path) -> Iterator[Descriptor]:
    """Yield the event log up to its last complete entry."""
    path = root / events.LOG
    tail = log_lines.tail_of(path)
    if tail.last is not None:
        facts = {"bytes": tail.end, "entries": tail.last["number"], "lastEntry": tail.last["hash"]}
        yield _descriptor(str(events.LOG), attested.hash_of_beginning(path, tail.end)) | {"annotations": facts}


def _dependencies(project: Project) -> Iterator[Descriptor]:
    repository = Repository(project.root)
    for state in stage_runs.code_states(project):
        git, stages = state["git"], {"stages": state["stages"]}
        if git.get("commit"):
            facts = {**stages, "shallow": git["shallow"]}
            commit = {"name": "source code", "digest": {"gitCommit": git["commit"]}, "annotations": facts}
            uri = repository.uri(git["commit"])
            yield commit | ({"uri": uri} if uri else {})
        if git.get("dirty"):
            facts = {**stages, "untracked": git["untracked"]}
            yield _descriptor("uncommitted changes", git["diff_sha256"]) | {"annotations": facts}
    code = {(file["path"], file["sha256"]) for _, file in project.files("code")}
    yield from (_descriptor(path, digest) for path, digest in sorted(code))
    for lock in sorted({made["environment"]["lock_sha256"] or "" for made in project.records.values()} - {""}):
        yield _descriptor("requirements.lock", lock)
    # Inputs from outside of the project: archive, recordings and pretrained weights.
    about = corpora.about_raw(project)
    for folders in project.corpora:
        downloaded = project.records.get(folders.stage("download"))
        if downloaded is None:
            continue
        if archive := read_json(project.root / folders.raw / artifacts.SOURCE).get("archive"):
            facts = about[folders.raw.as_posix()]
            yield _descriptor(archive["name"], archive["sha256"]) | {"annotations": facts}
        for path, file in by_path(downloaded["outputs"]).items():
            yield _descriptor(path, file["sha256"])
    for weights in results.pretrained(project).values():
        if weights["sha256"]:
            licence = {"annotations": {"licence": weights["licence"]}} if weights.get("licence") else {}
            yield _descriptor(str(weights["source"]), weights["sha256"]) | licence


def _details(project: Project, runs: Mapping[str, Run]) -> dict[str, Any]:
    last = runs.get("evaluate") or next((runs[name] for name in reversed(project.order) if name in runs), None)
    # SLSA requires a builder. Without a run in the event log it is unknown: the stages ran on another machine.
    host = quote(str(last.start["host"]), safe="") if last else "unknown"
    # The record of the report names its bytes, which differ when an equal report is made again.
    recorded = [record.path_of(name) for name in project.records if name != REPORTING]
    details: dict[str, Any] = {
        "builder": {"id": f"{stage_runs.URN}:builder:{host}", "version": {"breathline": stage_runs.version()}},
        "byproducts": [
            *(_descriptor(str(path), sha256(project.root / path)) for path in recorded),
            *_log(project.root),
        ],
    }
    if last is not None and last.end is not None:
        started = min(str(run.start["at"]) for run in runs.values())
        finished = max(str(run.end["at"]) for run in runs.values() if run.end)
        times = {"startedOn": _utc(started), "finishedOn": _utc(finished)}
        details["metadata"] = {"invocationId": last.end["hash"], **times}
    return details


def _run(run: Run) -> dict[str, Any]:
    keys = ("user", "host", "system", "cpu", "flow_run", "started_by")
    facts = {key: run.start[key] for key in keys if run.start.get(key) is not None}
    return {"stage": run.stage, "id": run.id, "startedOn": _utc(str(run.start["at"])), **facts}


def _utc(at: str) -> str:
    """Return the UTC time of an event with `Z`, as SLSA requires."""
    return at.replace("+00:00", "Z")


def _descriptor(name: str, digest: str) -> Descriptor:
    return {"name": name, "digest": {"sha256": digest}}
