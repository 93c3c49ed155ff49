"""Predetermined change control plan: the change protocol of `breathline watch`, with the facts of the present model.

Its parts are those of the FDA's guidance of December 2024 for device software with artificial intelligence:
description of modifications, modification protocol, impact assessment. It is written as JSON and as Markdown. What only
a manufacturer can state is listed as open.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lineage.exports import corpora, results, stage_runs
from lineage.exports.corpora import Part
from lineage.exports.request import ChangeProtocol, Request
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
PARTS = 3  # of the key of a figure on the project's own test cycles: selection, model, name
OPEN = (
    "Intended use of the device, its users and its population, and why the modifications stay within them.",
    "Clinical benefits and risks of each modification, and their mitigation (ISO 14971).",
    "Why the margin is acceptable clinically, and a test set that was collected independently of the sources.",
    "Labelling and notice to users of each version, and the plan for a device in the field that is not updated.",
    "Limits of sensitivity and specificity for groups: the promotion compares one figure only.",
)


def files(request: Request) -> dict[str, str]:
    """Return the plan as JSON and as Markdown, by file name.

    Raises:
        BreathlineError: Nothing has been evaluated yet, or the metric is no figure of the evaluation.
    """
    if request.protocol is None:
        raise ValueError("A change control plan needs the protocol of the promotion.")
    made = plan(request.project, request.protocol)
    text = templates.render(__package__, "pccp.md.j2", plan=made, version=stage_runs.version())
    return {"pccp.json": stage_runs.as_json(made), "pccp.md": f"{text.rstrip()}\n"}


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
    commits = {state["git"].get("commit") for state in stage_runs.code_states(project)} - {None}
    return {
        "guidance": GUIDANCE,
        "model": {
            "software": f"Breathline {stage_runs.version()}",
            "commits": sorted(commits),
            "labels": metrics["labels"],
            "classes": list(students[0].network["classes"]),
            "weights": {path: digest for one in students for path, digest in one.weights.items()},
            "intended_use": list(statements.INTENDED),
        },
        "modifications": [
            {
                "id": "M1",
                "title": "Retraining on recordings that were added to a source",
                "sources": [_source(part) for part in parts],
                "changed": list(CHANGED),
                "kept": list(KEPT),
            }
        ],
        "protocol": {
            "data": {"split": metrics["split"], "gates": list(_gates(project, parts))},
            "training": {
                "seeds": [student.item for student in students],
                "stages": [name for name in project.stages if name.startswith("train_")],
            },
            "evaluation": _evaluation(project, metrics, protocol),
            "update": {"stage": protocol.stage},
        },
        "impact": {
            "groups": list(_groups(metrics, protocol)),
            "limits": list(corpora.read(project).limits),
            "open": list(OPEN),
        },
    }


def _source(part: Part) -> dict[str, Any]:
    counts = {"patients": part.patients, "recordings": part.recordings, "cycles": part.cycles}
    about = {"corpus": part.folders.name, "role": part.folders.role, "statement": part.facts.identity.statement}
    return {**about, "source": part.source.get("source"), **counts}


def _gates(project: Project, parts: Sequence[Part]) -> Iterator[dict[str, Any]]:
    """Yield the result of the checks that new recordings of each corpus must pass before a training begins."""
    for part in parts:
        path = project.root / part.folders.verdicts
        if path.is_file():
            found = read_json(path)
            yield {"corpus": part.folders.name, "passed": found["success"], **found["totals"]}


def _evaluation(project: Project, metrics: Mapping[str, Any], protocol: ChangeProtocol) -> dict[str, Any]:
    scores = flatten(read_json(corpora.existing_table(project, artifacts.SCORES)))
    if protocol.metric not in scores or protocol.metric.count(".") != PARTS - 1:
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
