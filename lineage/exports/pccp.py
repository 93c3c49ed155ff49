"""Predetermined change control plan: the change protocol of `breathline watch`, with the facts of the present model.

Its parts are those of the FDA's guidance of December 2024 for device software with artificial intelligence. It is
written as JSON with its schema (`pccp.schema.json`), as Markdown, and as a CycloneDX attestation (`pccp_attestation`).
What only a manufacturer can state is listed as open.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

from lineage.exports import corpora, pccp_attestation, results, stage_runs
from lineage.exports.corpora import Part
from lineage.exports.request import ChangeProtocol, Request
from lineage.exports.results import Model
from lineage.project import Project
from tasks import artifacts
from tasks.exporting import statements
from tasks.runtime import templates
from tasks.runtime.artifact_reading import read_json
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import flatten

GUIDANCE = (
    "FDA: Marketing Submission Recommendations for a Predetermined Change Control Plan for Artificial "
    "Intelligence-Enabled Device Software Functions (December 2024)"
)
CHANGED = (
    "Weights of the student and of its teachers, trained from the beginning on all recordings of the sources.",
    "What validation patients choose: epoch, temperature and, where the recipe has one, the threshold of the decision.",
    "What follows from the weights: conformal sets, limits of the distance from the training recordings, references "
    "for the monitoring.",
)
KEPT = (
    "Recipe (`params.yaml`): networks, front end, label set, split, augmentation, seeds. `watch` trains what it says, "
    "and does not check that it is as before: `breathline audit diff` shows a difference.",
    "Intended use, and the code. A change of them is outside of this plan.",
)
RATIONALE = "More recordings, of more patients, devices and places, than the present model has learned from."
IMPLEMENTATION = (
    "Automatic, by `breathline watch`: training, evaluation and promotion, each time that a source has changed."
)
DATA_PRACTICES = (
    "`breathline watch` compares names, sizes, times and hashes of each source with its last state.",
    "New recordings are read with all recordings, and checked before any training. If a check fails, nothing is "
    "trained.",
    "Validation takes whole patients of the training side.",
    "Each stage leaves a record with the hash of every file it read and made (`breathline audit verify`).",
)
RETRAINING = (
    "All trainings run again, each from its initial weights.",
    "Settings and seeds are those of `params.yaml`.",
)
STEPS_OF_UPDATE = (
    "A model that is accepted becomes a version (a Git tag of the commit with its `dvc.lock`), and gets the stage "
    "`{stage}`.",
    "Otherwise nothing changes in use. The flow ends in the state `NotPromoted`, with the reason.",
    "Without a version in that stage, the first model that is not refused is accepted.",
    "Back to an earlier version: `breathline registry promote student@VERSION` gives it the stage again.",
    "In use, `breathline monitor` compares the log of use with the references of the version.",
)
SCHEMA = "pccp.schema.json"  # file of this package, which is written beside the plan
KEY_PARTS = 3  # of the key of a figure on the project's own test cycles: selection, model, name
OPEN = (
    "Intended use of the device, its users and its population, and why the modifications stay within them.",
    "Clinical benefits and risks of each modification, and their mitigation (ISO 14971).",
    "Why the margin is acceptable clinically, and a test set that was collected independently of the sources.",
    "Labelling and notice to users of each version, and the plan for a device in the field that is not updated.",
    "Limits of sensitivity and specificity for groups: the promotion compares one figure only.",
)


def files(request: Request) -> dict[str, str]:
    """Return the plan as JSON, Markdown and attestation, and its schema, by file name.

    Raises:
        BreathlineError: Nothing has been evaluated yet, or the metric is no figure of the evaluation.
    """
    if request.protocol is None:
        raise ValueError("A change control plan needs the protocol of the promotion.")
    made = plan(request.project, request.protocol)
    text = templates.render(__package__, "pccp.md.j2", plan=made, version=stage_runs.version())
    attestation = pccp_attestation.document(request.project, made, schema())
    return {
        "pccp.json": stage_runs.as_json(made),
        SCHEMA: schema_text(),
        "pccp.md": f"{text.rstrip()}\n",
        "pccp.cdx.json": stage_runs.as_json(attestation),
    }


def schema_text() -> str:
    """Return the JSON Schema of a plan as text."""
    return resources.files(__package__).joinpath(SCHEMA).read_text(encoding="utf-8")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a plan."""
    found: dict[str, Any] = json.loads(schema_text())
    return found


def plan(project: Project, protocol: ChangeProtocol) -> dict[str, Any]:
    """Return the plan.

    Args:
        project: The project.
        protocol: Rule of the promotion.

    Raises:
        BreathlineError: Nothing has been evaluated yet, or the metric is no figure of the evaluation.
    """
    metrics, parts = results.metrics(project), corpora.parts(project)
    students = results.students(project)
    stages = [name for name in project.stages if name.startswith("train_")]
    return {
        "$schema": SCHEMA,
        "guidance": GUIDANCE,
        "model": _model(project, metrics, students),
        "description_of_modifications": [
            {
                "id": "M1",
                "title": "Retraining on recordings that were added to a source",
                "rationale": RATIONALE,
                "implementation": IMPLEMENTATION,
                "sources": [_source(part) for part in parts],
                "changed": list(CHANGED),
                "kept": list(KEPT),
            }
        ],
        "modification_protocol": {
            "data_management_practices": {
                "practices": list(DATA_PRACTICES),
                "split": metrics["split"],
                "checks": list(_checks(project, parts)),
            },
            "retraining_practices": {
                "practices": list(RETRAINING),
                "seeds": [student.item for student in students],
                "stages": stages,
            },
            "performance_evaluation": _evaluation(project, metrics, protocol),
            "update_procedures": {
                "registry_stage": protocol.stage,
                "steps": [step.format(stage=protocol.stage) for step in STEPS_OF_UPDATE],
            },
        },
        "traceability": [
            {
                "modification": "M1",
                "data_management_practices": "checks of each corpus",
                "retraining_practices": f"records of {len(stages)} trainings",
                "performance_evaluation": f"`{protocol.metric}`, margin {protocol.margin:.2f}",
                "update_procedures": "version and stage",
            }
        ],
        "impact_assessment": {
            "groups": list(_groups(metrics, protocol)),
            "limits": list(corpora.read(project).limits),
            "open": list(OPEN),
        },
    }


def _model(project: Project, metrics: Mapping[str, Any], students: Sequence[Model]) -> dict[str, Any]:
    """Return the facts of the present model."""
    commits = {state["git"].get("commit") for state in stage_runs.code_states(project)} - {None}
    return {
        "software": f"Breathline {stage_runs.version()}",
        "commits": sorted(commits),
        "labels": metrics["labels"],
        "classes": list(students[0].network["classes"]),
        "weights": {path: digest for one in students for path, digest in one.weights.items()},
        "intended_use": list(statements.INTENDED),
    }


def _source(part: Part) -> dict[str, Any]:
    counts = {"patients": part.patients, "recordings": part.recordings, "cycles": part.cycles}
    about = {"corpus": part.folders.name, "role": part.folders.role, "statement": part.facts.identity.statement}
    return {**about, "source": part.source.get("source"), **counts}


def _checks(project: Project, parts: Sequence[Part]) -> Iterator[dict[str, Any]]:
    """Yield the result of the checks that new recordings of each corpus must pass before a training begins."""
    for part in parts:
        path = project.root / part.folders.verdicts
        if path.is_file():
            found = read_json(path)
            yield {"corpus": part.folders.name, "passed": found["success"], **found["totals"]}


def _evaluation(project: Project, metrics: Mapping[str, Any], protocol: ChangeProtocol) -> dict[str, Any]:
    scores = flatten(read_json(corpora.existing_table(project, artifacts.SCORES)))
    if protocol.metric not in scores or protocol.metric.count(".") != KEY_PARTS - 1:
        raise BreathlineError(
            f"The evaluation has no figure {protocol.metric}.",
            where=artifacts.SCORES,
            hint="give another --metric, such as val.student.score_strict",
        )
    figure = _figure(metrics, protocol)
    return {
        "metric": protocol.metric,
        "margin": protocol.margin,
        "value": scores[protocol.metric],
        "interval": {"low": figure.get("low"), "high": figure.get("high"), **metrics["interval"]},
        "test": {key: metrics["test"][key] for key in ("patients", "recordings", "cycles")},
        "equal": {key: metrics[key] for key in protocol.comparable},
        "refused": list(protocol.objections),
    }


def _figure(metrics: Mapping[str, Any], protocol: ChangeProtocol) -> Mapping[str, Any]:
    """Return mean and limits of the metric; empty for a figure that has no limits."""
    selection, model, name = protocol.metric.split(".")
    found = metrics.get(model, {}).get(selection, {}).get(name)
    return found if isinstance(found, Mapping) else {}


def _groups(metrics: Mapping[str, Any], protocol: ChangeProtocol) -> Iterator[dict[str, Any]]:
    """Yield the figures of the present model for each group of test cycles."""
    selection, model, _ = protocol.metric.split(".")
    for column, values in metrics.get(model, {}).get(selection, {}).get("groups", {}).items():
        for value, found in values.items():
            figures = {key: found.get(key) for key in ("patients", "cycles", "sp", "se_strict", "score_strict")}
            yield {"column": column, "group": value, **figures}
