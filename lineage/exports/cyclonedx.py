"""What the student is made of, as a CycloneDX 1.6 list of components (cyclonedx.org/docs/1.6/json).

Packages are those that were installed when the stages ran, as their records have them, and say whether the lock file
asks for the same version; licences are known of those that are installed now in the same version. Models, pretrained
weights and the recordings are components as well, the models with a model card.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from lineage import files
from lineage.exports import corpora, origin, results
from lineage.project import Project
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

LOCK = Path("requirements.lock")
PINNED = re.compile(r"^[A-Za-z0-9][^\\\n]*==[^\\\n]*", re.MULTILINE)  # without the hashes that follow it
Component = dict[str, Any]


def bom(project: Project) -> dict[str, Any]:
    """Return the list of components.

    Raises:
        BreathlineError: No record is there, or no model was evaluated yet.
        ValueError: The event log cannot be read.
    """
    corpus, found = corpora.of(project), results.metrics(project)
    data = _corpus(project, corpus)
    models = list(_models(project, found, corpus))
    if not models:
        raise BreathlineError("No student has left a record yet.", where=project.root / "data/student")
    weights, packages = list(_weights(project)), list(_packages(project))
    made_of = [one["bom-ref"] for one in [data, *weights, *packages]]
    root = _root()
    components = sorted([data, *models, *weights, *packages], key=lambda one: str(one["bom-ref"]))
    ended = [str(run.end["at"]) for run in origin.makers(project).values() if run.end is not None]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "urn:uuid:" + origin.identifier(json.dumps(components, sort_keys=True)),
        "version": 1,
        "metadata": {"component": root} | ({"timestamp": max(ended)} if ended else {}),
        "components": components,
        "dependencies": [
            {"ref": root["bom-ref"], "dependsOn": sorted(model["bom-ref"] for model in models)},
            *({"ref": model["bom-ref"], "dependsOn": sorted(made_of)} for model in models),
        ],
    }


def _root() -> Component:
    return {
        "type": "application",
        "bom-ref": f"breathline@{origin.version()}",
        "name": "breathline",
        "version": origin.version(),
        "licenses": [{"license": {"id": corpora.LICENCE}}],
    }


def _packages(project: Project) -> Iterator[Component]:
    """Yield every package that a stage ran with; of one that changed between stages, each version."""
    lock, records = project.root / LOCK, project.records
    text = lock.read_text(encoding="utf-8") if lock.is_file() else ""
    locked = {python: _locked(text, python) for python in {made["environment"]["python"] for made in records.values()}}
    same = {made["environment"]["lock_sha256"] for made in records.values()} == {sha256(lock) if text else None}
    found: dict[tuple[str, str], list[str]] = {}
    for stage, made in records.items():
        for name, version in made["environment"]["packages"].items():
            found.setdefault((_normal(name), version), []).append(stage)
    for (name, version), stages in sorted(found.items()):
        if name == "breathline":
            continue
        wanted = locked[records[stages[0]]["environment"]["python"]].get(name)
        said = {None: "not in the lock", version: "as locked"}.get(wanted, f"differs: {wanted}")
        facts = {"breathline:lock": said if same else "the lock has changed since"}
        if len(stages) < len(records):
            facts["breathline:stages"] = ", ".join(stages)
        purl = f"pkg:pypi/{name}@{version}"
        component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
        yield component | _licence(name, version) | {"properties": _properties(facts)}


def _locked(text: str, python: str) -> dict[str, str]:
    """Return the versions that a lock file asks for under a version of Python: some packages stand in it twice."""
    environment = {"python_full_version": python, "python_version": ".".join(python.split(".")[:2])}
    found = {}
    for line in PINNED.findall(text):
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate(environment):
            found[_normal(wanted.name)] = str(wanted.specifier).removeprefix("==")
    return found


def _licence(name: str, version: str) -> dict[str, Any]:
    """Return a package's licence: as SPDX expression where it has one, else as its authors name it in a line."""
    try:
        about = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return {}
    if about.version != version:
        return {}
    if expression := _said(about, "License-Expression"):
        return {"licenses": [{"expression": expression}]}
    words = _said(about, "License")
    return {"licenses": [{"license": {"name": words}}]} if words and "\n" not in words else {}


def _said(about: metadata.Distribution, key: str) -> str:
    return str(next(iter(about.metadata.get_all(key) or []), "")).strip()


def _models(project: Project, found: Mapping[str, Any], corpus: corpora.Corpus) -> Iterator[Component]:
    for stage, made in project.records.items():
        if not stage.startswith("train_student@"):
            continue
        seed = stage.partition("@")[2]
        outs = files.flat(made["outputs"])
        network = json.loads((project.root / f"data/student/{seed}/model.json").read_text(encoding="utf-8"))
        tensors = {path: file["sha256"] for path, file in outs.items() if path.endswith(".safetensors")}
        for path, digest in sorted(tensors.items()):
            yield {
                "type": "machine-learning-model",
                "bom-ref": f"model/{path}@{digest[:16]}",
                "name": f"student/{seed}/{Path(path).stem}",
                "version": digest[:16],
                "description": f"Classifier of breath cycles: {', '.join(network['classes'])}. No medical device.",
                "hashes": [{"alg": "SHA-256", "content": digest}],
                "properties": _properties({"breathline:seed": seed, "breathline:weights": network["weights"]}),
                "modelCard": _card(network, found, seed, Path(path).stem, corpus),
            }


def _card(
    network: Mapping[str, Any], found: Mapping[str, Any], seed: str, selection: str, corpus: corpora.Corpus
) -> dict[str, Any]:
    judged = found["students"].get(seed, {}).get(selection, {})
    figures: list[dict[str, Any]] = []
    for key, (_, name) in results.NAMES.items():
        if judged.get(key) is None:
            continue
        figures.append({"type": name, "value": f"{judged[key]} %"})
        if judged["low"][key] is not None:
            ends = {"lowerBound": str(judged["low"][key]), "upperBound": str(judged["high"][key])}
            figures[-1]["confidenceInterval"] = ends
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": f"audio classification: {network['labels']}",
            "modelArchitecture": network["architecture"],
            "datasets": [{"ref": f"data/{corpus.kind}"}],
            "inputs": [
                {"format": f"features (batch, {network['frames']}, {network['mels']}) of {network['frontend']}"}
            ],
            "outputs": [{"format": f"logits (batch, {len(network['classes'])}): {', '.join(network['classes'])}"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": figures},
        "considerations": {"useCases": list(corpora.INTENDED), "technicalLimitations": list(corpus.limits)},
    }


def _weights(project: Project) -> Iterator[Component]:
    for stage in project.records:
        name = stage.partition("@")[2]
        if not stage.startswith("weights@") or name == "scratch":
            continue
        about = json.loads((project.root / "data/weights" / name / "source.json").read_text(encoding="utf-8"))
        yield {
            "type": "machine-learning-model",
            "bom-ref": f"weights/{name}",
            "name": name,
            "version": about["sha256"][:16],
            "description": f"Pretrained weights, from {about['source']}",
            "hashes": [{"alg": "SHA-256", "content": about["sha256"]}],
        } | ({"licenses": [{"license": {"name": about["licence"]}}]} if about.get("licence") else {})


def _corpus(project: Project, corpus: corpora.Corpus) -> Component:
    (raw,) = (out for out in project.records["download"]["outputs"] if out["path"] == "data/raw")
    return {
        "type": "data",
        "bom-ref": f"data/{corpus.kind}",
        "name": corpus.name,
        "version": raw["sha256"][:16],
        "description": corpus.description,
        "licenses": [{"license": {"name": corpus.licence}}],
        "data": [{"type": "dataset", "name": corpus.name, "sensitiveData": list(corpus.personal)}],
    } | ({"externalReferences": [{"type": "website", "url": corpus.url}]} if corpus.url else {})


def _properties(facts: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in facts.items()]


def _normal(name: str) -> str:
    """Return a package's name as PyPI and package URLs normalise it."""
    return re.sub(r"[-_.]+", "-", name).lower()
