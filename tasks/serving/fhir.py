"""Predictions as FHIR R4: a bundle of one observation per segment, one of the recording, and the model as a device.

Codes of classes are texts: no terminology has the classes of all label sets. The subject is absent, because the server
knows no patient: the system that asked adds it.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from tasks.prediction.judgement import UNLIKE
from tasks.prediction.results import CAUTION

MEDIA_TYPE = "application/fhir+json"
UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
Resource = dict[str, Any]


def bundle(answer: Mapping[str, Any]) -> Resource:
    """Return a bundle (type `collection`) of an answer of the server.

    Args:
        answer: Answer with `model`, `recording` and `segments`, as `POST /predict` returns it in JSON.
    """
    issued = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    device = _entry(_device(answer["model"]))
    shared: Resource = {"status": "preliminary", "category": [_category()], "issued": issued}
    shared |= {"device": {"reference": device["fullUrl"]}}
    segments = [_entry(_segment(segment, shared, answer["model"])) for segment in answer["segments"]]
    recording = _recording(answer, shared, [entry["fullUrl"] for entry in segments])
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": issued,
        "entry": [_entry(recording), *segments, device],
    }


def _entry(resource: Resource) -> dict[str, Any]:
    return {"fullUrl": f"urn:uuid:{uuid.uuid4()}", "resource": resource}


def _category() -> Resource:
    return {"coding": [{"system": CATEGORY, "code": "exam", "display": "Exam"}]}


def _device(model: Mapping[str, Any]) -> Resource:
    return {
        "resourceType": "Device",
        "status": "active",
        "deviceName": [{"name": f"Breathline {model['label']}", "type": "model-name"}],
        "type": {"text": "Software: classifier of respiratory sounds, for research only"},
        **({"version": [{"value": model["id"]}]} if model["id"] else {}),
        "note": [{"text": text} for text in (CAUTION, model["banner"]) if text],
    }


def _recording(answer: Mapping[str, Any], shared: Mapping[str, Any], members: Sequence[str]) -> Resource:
    """Return the observation of the whole recording, with those of its segments as members."""
    recording = answer["recording"]
    share = recording["abnormal_share"]
    value = {"valueString": recording["summary"]} if share is not None else _absent(recording["summary"])
    components = [_component("duration of the recording", recording["seconds"], "s")]
    if share is not None:
        components.append(_component("share of abnormal segments among those with a clear result", share, "1"))
    return {
        "resourceType": "Observation",
        **shared,
        "code": {"text": "Respiratory sounds of a recording, predicted by software"},
        **value,
        "note": _notes(recording["notes"], answer["model"]),
        "component": components,
        **({"hasMember": [{"reference": member} for member in members]} if members else {}),
    }


def _segment(segment: Mapping[str, Any], shared: Mapping[str, Any], model: Mapping[str, Any]) -> Resource:
    """Return the observation of a segment: its class, or the reason why there is no value.

    Only a segment that is judged has a value: a reader that ignores `interpretation` would take any other for a
    finding. The class of an uncertain one, or of one unlike the training, is not stated.
    """
    note, doubt = segment["note"], _doubt(segment)
    if segment["decision"] == "judged":
        value: Resource = {"valueCodeableConcept": {"text": segment["predicted"]}}
    else:
        value = _absent(doubt, "unknown") if doubt else _absent(note or "not judged")
    components = [
        _component("start of the segment", segment["start_s"], "s"),
        _component("end of the segment", segment["end_s"], "s"),
    ]
    probabilities = segment["probabilities"] or {}
    components += [_component(f"probability of {name}", value, "1") for name, value in probabilities.items()]
    found = {
        "resourceType": "Observation",
        **shared,
        "code": {"text": "Respiratory sound of a segment, predicted by software"},
        **value,
        "note": _notes([note] if note else [], model),
        "component": components,
    }
    if doubt:
        found["interpretation"] = [{"text": doubt}]
    return found


def _doubt(segment: Mapping[str, Any]) -> str | None:
    """Return the words of a judgement that is not certain; None for a certain one, or none."""
    if segment["decision"] == "uncertain":
        return f"uncertain: {' or '.join(segment['classes']) or 'no class'}"
    return UNLIKE if segment["decision"] == "unlike" else None


def _component(code: str, value: float, unit: str) -> Resource:
    quantity = {"value": round(value, 6), "system": UCUM, "code": unit}
    return {"code": {"text": code}, "valueQuantity": quantity | ({"unit": unit} if unit != "1" else {})}


def _absent(reason: str, code: Literal["not-performed", "unknown"] = "not-performed") -> Resource:
    coding = {"system": ABSENT, "code": code, "display": code.replace("-", " ").title()}
    return {"dataAbsentReason": {"coding": [coding], "text": reason}}


def _notes(texts: Sequence[str], model: Mapping[str, Any]) -> list[Resource]:
    return [{"text": text} for text in (CAUTION, model["banner"], *texts) if text]
