"""Bills of materials in CycloneDX 1.6 (cyclonedx.org/docs/1.6/json): one of everything, and one of the models.

The first lists packages in the versions of the records, with licences, suppliers and the hashes of the lock file. Both
have students and teachers with a model card, pretrained weights and recordings. The second (ML-BOM) describes the
student: its main component is the model, whose parts are the networks of all seeds.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lineage.exports import corpora, cyclonedx_packages, results, stage_runs
from lineage.exports.cyclonedx_models import Models
from lineage.exports.cyclonedx_packages import Component
from lineage.exports.request import Request
from lineage.project import Project

SUPPLIER = {"name": "The Breathline authors"}


def files(request: Request) -> dict[str, str]:
    """Return both bills of materials by file name."""
    made = {"bom.cdx.json": bill(request.project), "mlbom.cdx.json": bill_of_models(request.project)}
    return {name: stage_runs.as_json(found) for name, found in made.items()}


def bill(project: Project) -> dict[str, Any]:
    """Return the bill of materials of models, data and packages.

    Raises:
        BreathlineError: No student is trained or evaluated yet.
        ValueError: The event log cannot be read.
    """
    models, packages = Models(project), list(cyclonedx_packages.packages(project))
    installed = [str(one["bom-ref"]) for one in packages]
    made_of = {model: sorted([*parts, *installed]) for model, parts in models.dependencies().items()}
    students = [str(one["bom-ref"]) for found in models.students.values() for one in found]
    root = _tool()
    needed = {root["bom-ref"]: sorted(students), **made_of}
    return _document(project, root, [*models.components, *packages], needed)


def bill_of_models(project: Project) -> dict[str, Any]:
    """Return the bill of materials of the student: its networks, and what they were made of.

    Raises:
        BreathlineError: No student is trained or evaluated yet.
        ValueError: The event log cannot be read.
    """
    models = Models(project)
    networks = [one for found in models.students.values() for one in found]
    rest = [one for one in models.components if one not in networks]
    made_of = models.dependencies()
    root = _student(models, networks)
    needed = {root["bom-ref"]: sorted({part for one in networks for part in made_of[one["bom-ref"]]}), **made_of}
    return _document(project, root, rest, needed)


def _student(models: Models, networks: Sequence[Component]) -> Component:
    """Return the student as one component: its networks are parts, its figures are means over seeds."""
    found = models.metrics
    model = results.students(models.project)[0]
    digest = stage_runs.identifier("".join(sorted(str(one["hashes"][0]["content"]) for one in networks)))
    flags = [f"Degenerate ({selection}): {flag}." for selection, flag in results.degenerate(found).items()]
    figures = []
    for one in results.figures(found):
        figure: dict[str, Any] = {"type": f"{one.name}, epoch chosen by {one.selection}", "value": f"{one.value} %"}
        if one.low is not None:
            figure["confidenceInterval"] = {"lowerBound": str(one.low), "upperBound": str(one.high)}
        figures.append(figure)
    return {
        "type": "machine-learning-model",
        "bom-ref": "model/student",
        "name": "student",
        "version": digest[:8],
        "description": f"Classifier of breath cycles: {', '.join(model.network['classes'])}. No medical device.",
        "components": sorted(networks, key=lambda one: str(one["bom-ref"])),
        "modelCard": models.card(model, figures, flags),
    }


def _tool() -> Component:
    """Return Breathline as a component."""
    return {
        "type": "application",
        "bom-ref": f"breathline@{stage_runs.version()}",
        "supplier": SUPPLIER,
        "name": "breathline",
        "version": stage_runs.version(),
        "licenses": [{"license": {"id": corpora.LICENCE}}],
    }


def _document(
    project: Project, root: Component, components: Sequence[Component], needed: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return a bill of materials; equal projects have equal ones.

    Args:
        project: The project.
        root: Component that the bill describes.
        components: The other components.
        needed: References of the components that each component was made of, by its own reference.
    """
    ordered = sorted(components, key=lambda one: str(one["bom-ref"]))
    ended = [str(run.end["at"]) for run in stage_runs.recorded_runs(project).values() if run.end is not None]
    tool = {key: value for key, value in _tool().items() if key != "bom-ref"}
    supplier = {"supplier": root["supplier"]} if "supplier" in root else {}
    about = {"tools": {"components": [tool]}, **supplier, "component": root}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "urn:uuid:" + stage_runs.identifier(json.dumps([root, ordered], sort_keys=True)),
        "version": 1,
        "metadata": about | ({"timestamp": max(ended)} if ended else {}),
        "components": ordered,
        "dependencies": [{"ref": name, "dependsOn": list(parts)} for name, parts in needed.items()],
    }
