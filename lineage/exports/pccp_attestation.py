"""Attestation of a change control plan in CycloneDX 1.6 (cyclonedx.org/docs/1.6/json, `declarations`).

The guidance is a standard with a requirement for each of its parts. The plan answers each requirement with a claim
about the student, whose evidence is the part of `pccp.json`. Open points are counter-evidence. No conformance is
scored: a person has to assess it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lineage.exports import cyclonedx, stage_runs
from lineage.project import Project

URL = (
    "https://www.fda.gov/regulatory-information/search-fda-guidance-documents/"
    "marketing-submission-recommendations-predetermined-change-control-plan-artificial-intelligence"
)
STANDARD, ASSESSOR, OPEN = "fda-pccp", "assessor", "evidence/open"  # references in the document
PREDICATE = "The plan has this part; its evidence is {path} of pccp.json."
RATIONALE = "Written by software from recorded facts. A person has to assess the conformance."


def document(project: Project, plan: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attestation; equal plans have equal ones.

    Args:
        project: The project.
        plan: The plan.
        schema: JSON Schema of the plan, with titles and descriptions of the parts of the guidance.
    """
    bill = cyclonedx.bill_of_models(project)
    student = bill["metadata"]["component"]
    parts = dict(_parts(schema))
    link = f"urn:cdx:{bill['serialNumber'].removeprefix('urn:uuid:')}/{bill['version']}"
    target = {key: student[key] for key in ("type", "bom-ref", "name", "version", "description")}
    target["externalReferences"] = [{"type": "bom", "url": link, "comment": "ML-BOM of the student (mlbom.cdx.json)"}]
    declarations = {
        "assessors": [
            {
                "bom-ref": ASSESSOR,
                "thirdParty": False,
                "organization": {"name": f"Breathline {stage_runs.version()}: software, not a person"},
            }
        ],
        "attestations": [
            {
                "summary": f"Draft of a predetermined change control plan. {RATIONALE}",
                "assessor": ASSESSOR,
                "map": [
                    {
                        "requirement": f"requirement{path}",
                        "claims": [f"claim{path}"],
                        "conformance": {"rationale": RATIONALE},
                    }
                    for path in parts
                ],
            }
        ],
        "claims": [_claim(path, student["bom-ref"]) for path in parts],
        "evidence": [*(_evidence(path, part) for path, part in parts.items()), _open(plan)],
        "targets": {"components": [target]},
    }
    content = {
        "metadata": {key: value for key, value in bill["metadata"].items() if key in ("tools", "timestamp")},
        "definitions": {"standards": [_standard(plan, parts)]},
        "declarations": declarations,
    }
    serial = stage_runs.identifier(json.dumps([plan, content], sort_keys=True))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": bill["specVersion"],
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        **content,
    }


def _parts(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the parts of the guidance by their JSON pointer in the plan: properties of its schema with a title."""
    for key, part in schema["properties"].items():
        if "title" in part:
            yield f"{path}/{key}", part
            if part["type"] == "object":
                yield from _parts(part, f"{path}/{key}")


def _standard(plan: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the guidance as a standard with its parts as requirements."""
    requirements = []
    for path, part in parts.items():
        outer = path.rpartition("/")[0]
        one = {"bom-ref": f"requirement{path}", "identifier": part["title"], "text": part["description"]}
        requirements.append(one | ({"parent": f"requirement{outer}"} if outer in parts else {}))
    return {
        "bom-ref": STANDARD,
        "name": plan["guidance"],
        "version": "2024-12",
        "owner": "U.S. Food and Drug Administration",
        "requirements": requirements,
        "externalReferences": [{"type": "documentation", "url": URL}],
    }


def _claim(path: str, target: str) -> dict[str, Any]:
    """Return the claim that the plan has a part; open points are counter-evidence of the impact assessment."""
    counter = {"counterEvidence": [OPEN]} if path == "/impact_assessment" else {}
    return {
        "bom-ref": f"claim{path}",
        "target": target,
        "predicate": PREDICATE.format(path=path),
        "evidence": [f"evidence{path}"],
        **counter,
    }


def _evidence(path: str, part: Mapping[str, Any]) -> dict[str, Any]:
    contents = {"url": f"pccp.json#{path}"}
    return {
        "bom-ref": f"evidence{path}",
        "description": f"{part['title']}: this part of the plan, as a JSON pointer.",
        "data": [{"name": part["title"], "contents": contents}],
    }


def _open(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the points that only the manufacturer can write, as text."""
    text = {"contentType": "text/plain", "content": "\n".join(plan["impact_assessment"]["open"])}
    return {
        "bom-ref": OPEN,
        "description": "Points of the plan that only the manufacturer can write.",
        "data": [{"name": "open points", "contents": {"attachment": text}}],
    }
