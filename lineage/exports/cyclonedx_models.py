"""Models, pretrained weights and recordings as CycloneDX components; models have a card."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lineage.exports import corpora, results
from lineage.exports.corpora import Part
from lineage.exports.cyclonedx_packages import Component, properties
from lineage.exports.results import Model
from lineage.project import Project
from models.heads import Heads
from tasks.exporting import statements

USERS = "Researchers on the classification of respiratory sounds."


@dataclass(frozen=True)
class Models:
    """The components of a project that are models or data, and their dependencies."""

    project: Project

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The metrics of the evaluation."""
        return results.metrics(self.project)

    @cached_property
    def corpora(self) -> dict[str, Component]:
        """The recordings of each corpus, by the name of the corpus."""
        return {part.folders.name: _corpus(self.project, part) for part in corpora.parts(self.project)}

    @cached_property
    def learned(self) -> list[str]:
        """References of the recordings that models have learned from."""
        parts = corpora.parts(self.project)
        return [str(self.corpora[part.folders.name]["bom-ref"]) for part in parts if not part.external]

    @cached_property
    def weights(self) -> dict[str, Component]:
        """The pretrained weights by name."""
        return dict(_weights(self.project))

    @cached_property
    def students(self) -> dict[str, list[Component]]:
        """The files of weights of each student, one for each selection, by seed."""
        return {model.item: list(self._files(model)) for model in results.students(self.project)}

    @cached_property
    def teachers(self) -> dict[str, list[Component]]:
        """The files of weights of each teacher, one for each selection, by name."""
        return {model.item: list(self._files(model)) for model in results.teachers(self.project)}

    @property
    def components(self) -> list[Component]:
        """All components."""
        models = [one for files in (*self.students.values(), *self.teachers.values()) for one in files]
        return [*self.corpora.values(), *self.weights.values(), *models]

    def dependencies(self) -> dict[str, list[str]]:
        """Return what each model was made of: recordings, initial weights, and teachers that labelled for it."""
        found: dict[str, list[str]] = {}
        for model in (*results.students(self.project), *results.teachers(self.project)):
            files = (self.students if model.role == "student" else self.teachers)[model.item]
            initial = self.weights.get(str(model.network["weights"]))
            parts = [*self.learned, *([str(initial["bom-ref"])] if initial else []), *self._labelling(model)]
            found |= {str(one["bom-ref"]): sorted(parts) for one in files}
        return found

    def card(self, model: Model, figures: list[dict[str, Any]], flags: list[str]) -> dict[str, Any]:
        """Return the card of a model.

        Args:
            model: The model.
            figures: Its figures (`performanceMetrics`).
            flags: Sentences about tests in which it is degenerate.
        """
        corpus, network = corpora.read(self.project), model.network
        heads = Heads.from_card(network)
        outputs = network["classes"] if heads is None else heads.names
        features = f"features (batch, {network['frames']}, {network['mels']}) of {network['frontend']}"
        return {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": f"audio classification: {network['labels']}",
                "modelArchitecture": network["architecture"],
                "datasets": [{"ref": reference} for reference in self.learned],
                "inputs": [{"format": features}],
                "outputs": [{"format": f"logits (batch, {len(outputs)}): {', '.join(outputs)}"}],
            },
            "quantitativeAnalysis": {"performanceMetrics": figures},
            "considerations": {
                "users": [USERS],
                "useCases": list(statements.INTENDED),
                "technicalLimitations": [*flags, *corpus.limits],
            },
        }

    def _labelling(self, model: Model) -> list[str]:
        """Return the references of the teachers whose soft labels a model learned from."""
        if not self.project.records[model.stage]["decisions"].get("soft_labels"):
            return []
        chosen = self.project.records["soft_labels"]["decisions"]["teachers"]
        names = [str(name).removeprefix("teacher/") for name in chosen]
        return [str(one["bom-ref"]) for name in names for one in self.teachers.get(name, [])]

    def _files(self, model: Model) -> Iterator[Component]:
        network = model.network
        for path, digest in sorted(model.weights.items()):
            selection = Path(path).stem
            facts = {"breathline:weights": network["weights"], "breathline:seed": str(network["seed"])}
            yield {
                "type": "machine-learning-model",
                "bom-ref": f"model/{path}@{digest[:16]}",
                "name": f"{model.role}/{model.item}/{selection}",
                "version": digest[:16],
                "description": f"Classifier of breath cycles: {', '.join(network['classes'])}. No medical device.",
                "hashes": [{"alg": "SHA-256", "content": digest}],
                "properties": properties(facts),
                "modelCard": self.card(model, *self._tested(model, selection)),
            }

    def _tested(self, model: Model, selection: str) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the figures of a model on each test set, and sentences about those in which it is degenerate."""
        figures: list[dict[str, Any]] = []
        flags: list[str] = []
        for test, part in results.tests(self.metrics).items():
            found = model.figures(part, selection)
            figures += _figures(found, test)
            if flag := found.get("degenerate"):
                flags.append(f"Degenerate on the {test or 'test cycles'}: {flag}.")
        return figures, flags


def _figures(metrics: Mapping[str, Any], test: str | None) -> Iterator[dict[str, Any]]:
    """Yield the figures of a model; those on one corpus name it as the slice of the test data."""
    for key, (_, name) in results.NAMES.items():
        if metrics.get(key) is None:
            continue
        figure: dict[str, Any] = {"type": name, "value": f"{metrics[key]} %"} | ({"slice": test} if test else {})
        if metrics["low"][key] is not None:
            bounds = {"lowerBound": str(metrics["low"][key]), "upperBound": str(metrics["high"][key])}
            figure["confidenceInterval"] = bounds
        yield figure


def _weights(project: Project) -> Iterator[tuple[str, Component]]:
    for name, about in results.pretrained(project).items():
        if about["sha256"]:
            yield (
                name,
                {
                    "type": "machine-learning-model",
                    "bom-ref": f"weights/{name}",
                    "name": name,
                    "version": about["sha256"][:16],
                    "description": f"Pretrained weights, from {about['source']}",
                    "hashes": [{"alg": "SHA-256", "content": about["sha256"]}],
                }
                | ({"licenses": [{"license": {"name": about["licence"]}}]} if about.get("licence") else {}),
            )


def _corpus(project: Project, part: Part) -> Component:
    """Return the recordings of a corpus; a property tells whether models have learned from them."""
    folders, corpus = part.folders, part.facts
    downloaded = project.records[folders.stage("download")]["outputs"]
    (raw,) = (out for out in downloaded if out["path"] == folders.raw.as_posix())
    facts = {"breathline:corpus": folders.name, "breathline:role": folders.role}
    if corpus.citation:
        facts["breathline:citation"] = corpus.citation
    optional = {
        "authors": [{"name": name} for name in corpus.creators],
        "externalReferences": [{"type": "website", "url": corpus.homepage}] if corpus.homepage else [],
    }
    return {
        "type": "data",
        "bom-ref": f"data/{folders.name}",
        "name": corpus.identity.statement,
        "version": raw["sha256"][:16],
        "description": f"{corpus.description} {corpora.TESTED_ONLY}" if part.external else corpus.description,
        "licenses": [{"license": {"name": part.terms}}],
        "properties": properties(facts),
        "data": [{"type": "dataset", "name": corpus.identity.statement, "sensitiveData": list(corpus.personal)}],
        **{key: value for key, value in optional.items() if value},
    }
