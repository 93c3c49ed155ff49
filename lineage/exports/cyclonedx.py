"""Components of the students as a CycloneDX 1.6 bill of materials (cyclonedx.org/docs/1.6/json).

Packages are listed in the versions of the records, and compared with the lock file. A licence is given if the same
version is installed now. Students, each with a model card, pretrained weights and recordings are components as well.
"""

import json
import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lineage.exports import corpora, results, stage_runs
from lineage.exports.corpora import Part
from lineage.exports.request import Request
from lineage.exports.results import Student
from lineage.project import Project
from models.heads import Heads
from tasks.exporting import statements
from tasks.runtime.corpus_facts import CorpusFacts
from tasks.runtime.files import sha256

LOCK = Path("requirements.lock")
PINNED = re.compile(r"^[A-Za-z0-9][^\\\n]*==[^\\\n]*", re.MULTILINE)  # without the hashes that follow it
Component = dict[str, Any]


def files(request: Request) -> dict[str, str]:
    """Return the bill of materials as a file."""
    return {"bom.cdx.json": stage_runs.as_json(bill(request.project))}


def bill(project: Project) -> dict[str, Any]:
    """Return the bill of materials.

    Raises:
        BreathlineError: No student is trained or evaluated yet.
        ValueError: The event log cannot be read.
    """
    corpus, found = corpora.read(project), results.metrics(project)
    data = {part.folders: _corpus(project, part) for part in corpora.parts(project)}
    learned = [component for folders, component in data.items() if folders.role == "training"]
    models = [model for student in results.students(project) for model in _models(student, found, corpus, learned)]
    weights, packages = list(_weights(project)), list(_packages(project))
    made_of = [one["bom-ref"] for one in [*learned, *weights, *packages]]
    root = {
        "type": "application",
        "bom-ref": f"breathline@{stage_runs.version()}",
        "name": "breathline",
        "version": stage_runs.version(),
        "licenses": [{"license": {"id": corpora.LICENCE}}],
    }
    components = sorted([*data.values(), *models, *weights, *packages], key=lambda one: str(one["bom-ref"]))
    ended = [str(run.end["at"]) for run in stage_runs.recorded_runs(project).values() if run.end is not None]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "urn:uuid:" + stage_runs.identifier(json.dumps(components, sort_keys=True)),
        "version": 1,
        "metadata": {"component": root} | ({"timestamp": max(ended)} if ended else {}),
        "components": components,
        "dependencies": [
            {"ref": root["bom-ref"], "dependsOn": sorted(model["bom-ref"] for model in models)},
            *({"ref": model["bom-ref"], "dependsOn": sorted(made_of)} for model in models),
        ],
    }


def _packages(project: Project) -> Iterator[Component]:
    """Yield the packages of all stages; a package that changed between stages, once for each version."""
    lock, records = project.root / LOCK, project.records
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    locked = {python: _locked(text, python) for python in {made["environment"]["python"] for made in records.values()}}
    same = {made["environment"]["lock_sha256"] for made in records.values()} == {sha256(lock) if text else None}
    found: dict[tuple[str, str], list[str]] = {}
    for stage, made in records.items():
        for name, version in made["environment"]["packages"].items():
            found.setdefault((canonicalize_name(name), version), []).append(stage)
    for (name, version), stages in sorted(found.items()):
        if name == "breathline":
            continue
        wanted = locked[records[stages[0]]["environment"]["python"]].get(name)
        locking = {None: "not in the lock", version: "as locked"}.get(wanted, f"differs: {wanted}")
        facts = {"breathline:lock": locking if same else "the lock has changed since"}
        if len(stages) < len(records):
            facts["breathline:stages"] = ", ".join(stages)
        purl = f"pkg:pypi/{name}@{version}"
        component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
        yield component | _licence(name, version) | {"properties": _properties(facts)}


def _locked(text: str, python: str) -> dict[str, str]:
    """Return the locked versions for a version of Python; a lock file may list a package twice, with markers."""
    environment = {"python_full_version": python, "python_version": ".".join(python.split(".")[:2])}
    found: dict[str, str] = {}
    for line in PINNED.findall(text):
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate(environment):
            found[canonicalize_name(wanted.name)] = str(wanted.specifier).removeprefix("==")
    return found


def _licence(name: str, version: str) -> dict[str, Any]:
    """Return the licence of an installed package: its SPDX expression, else its licence field if that is one line."""
    try:
        about = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return {}
    if about.version != version:
        return {}
    if expression := _field(about, "License-Expression"):
        return {"licenses": [{"expression": expression}]}
    words = _field(about, "License")
    return {"licenses": [{"license": {"name": words}}]} if words and "\n" not in words else {}


def _field(about: metadata.Distribution, key: str) -> str:
    return str(next(iter(about.metadata.get_all(key) or []), "")).strip()


def _models(
    student: Student, found: Mapping[str, Any], corpus: CorpusFacts, learned: list[Component]
) -> Iterator[Component]:
    """Yield each file of weights of a student, one for each selection."""
    seed, network = student.seed, student.network
    for path, digest in sorted(student.weights.items()):
        yield {
            "type": "machine-learning-model",
            "bom-ref": f"model/{path}@{digest[:16]}",
            "name": f"student/{seed}/{Path(path).stem}",
            "version": digest[:16],
            "description": f"Classifier of breath cycles: {', '.join(network['classes'])}. No medical device.",
            "hashes": [{"alg": "SHA-256", "content": digest}],
            "properties": _properties({"breathline:seed": seed, "breathline:weights": network["weights"]}),
            "modelCard": _card(student, found, Path(path).stem, corpus, learned),
        }


def _figures(metrics: Mapping[str, Any], test: str | None) -> Iterator[dict[str, Any]]:
    """Yield the figures of a student; those on one corpus name it as the slice of the test data."""
    for key, (_, name) in results.NAMES.items():
        if metrics.get(key) is None:
            continue
        figure: dict[str, Any] = {"type": name, "value": f"{metrics[key]} %"} | ({"slice": test} if test else {})
        if metrics["low"][key] is not None:
            bounds = {"lowerBound": str(metrics["low"][key]), "upperBound": str(metrics["high"][key])}
            figure["confidenceInterval"] = bounds
        yield figure


def _card(
    student: Student, found: Mapping[str, Any], selection: str, corpus: CorpusFacts, learned: list[Component]
) -> dict[str, Any]:
    network = student.network
    heads = Heads.from_card(network)
    outputs = network["classes"] if heads is None else heads.names
    figures = [
        figure
        for test, part in results.tests(found).items()
        for figure in _figures(part["students"].get(student.seed, {}).get(selection, {}), test)
    ]
    flags = [
        f"Degenerate on the {test or 'test cycles'}: {flag}."
        for test, part in results.tests(found).items()
        if (flag := part["students"].get(student.seed, {}).get(selection, {}).get("degenerate"))
    ]
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": f"audio classification: {network['labels']}",
            "modelArchitecture": network["architecture"],
            "datasets": [{"ref": component["bom-ref"]} for component in learned],
            "inputs": [
                {"format": f"features (batch, {network['frames']}, {network['mels']}) of {network['frontend']}"}
            ],
            "outputs": [{"format": f"logits (batch, {len(outputs)}): {', '.join(outputs)}"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": figures},
        "considerations": {"useCases": list(statements.INTENDED), "technicalLimitations": [*flags, *corpus.limits]},
    }


def _weights(project: Project) -> Iterator[Component]:
    for name, about in results.pretrained(project).items():
        if not about["sha256"]:
            continue
        yield {
            "type": "machine-learning-model",
            "bom-ref": f"weights/{name}",
            "name": name,
            "version": about["sha256"][:16],
            "description": f"Pretrained weights, from {about['source']}",
            "hashes": [{"alg": "SHA-256", "content": about["sha256"]}],
        } | ({"licenses": [{"license": {"name": about["licence"]}}]} if about.get("licence") else {})


def _corpus(project: Project, part: Part) -> Component:
    """Return the recordings of a corpus; a property tells whether models have learned from them."""
    folders, corpus = part.folders, part.facts
    downloaded = project.records[folders.stage("download")]["outputs"]
    (raw,) = (out for out in downloaded if out["path"] == folders.raw.as_posix())
    facts = {"breathline:corpus": folders.name, "breathline:role": folders.role}
    if corpus.citation:
        facts["breathline:citation"] = corpus.citation
    return {
        "type": "data",
        "bom-ref": f"data/{folders.name}",
        "name": corpus.identity.statement,
        "version": raw["sha256"][:16],
        "description": f"{corpus.description} {corpora.TESTED_ONLY}" if part.external else corpus.description,
        "licenses": [{"license": {"name": part.terms}}],
        "properties": _properties(facts),
        "data": [{"type": "dataset", "name": corpus.identity.statement, "sensitiveData": list(corpus.personal)}],
    } | ({"externalReferences": [{"type": "website", "url": corpus.homepage}]} if corpus.homepage else {})


def _properties(facts: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in facts.items()]
