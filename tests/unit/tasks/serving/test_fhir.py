"""FHIR R4 bundles of answers, against the rules of the specification."""

import copy

import jsonschema
import pytest

from tasks.prediction.results import CAUTION
from tasks.serving import fhir
from tests.unit.tasks.serving import fhir_r4

PROBABILITIES = {"normal": 0.2, "crackle": 0.7, "wheeze": 0.1}
SEGMENT = {
    "start_s": 0.0,
    "end_s": 5.0,
    "decision": "judged",
    "predicted": "crackle",
    "classes": ["crackle"],
    "probabilities": PROBABILITIES,
    "confidence": 0.7,
    "distance": 1.5,
    "note": None,
}
UNCERTAIN = SEGMENT | {"decision": "uncertain", "classes": ["normal", "crackle"]}
UNLIKE = SEGMENT | {"decision": "unlike"}
NOT_JUDGED = SEGMENT | {
    "decision": "not_judged",
    "predicted": None,
    "classes": [],
    "probabilities": None,
    "confidence": None,
    "distance": None,
    "note": "not judged: silence",
}
ANSWER = {
    "model": {"label": "student@v1.0.0", "id": "0123456789abcdef", "banner": None},
    "recording": {
        "name": "a.wav",
        "seconds": 5.0,
        "sample_rate": 4000,
        "summary": "1 of 1 segments is abnormal.",
        "abnormal_share": 1.0,
        "longest_abnormal_s": 5.0,
        "notes": ["the header was repaired"],
    },
    "segments": [SEGMENT],
}


def observations(bundle):
    found = [entry["resource"] for entry in bundle["entry"]]
    return [resource for resource in found if resource["resourceType"] == "Observation"]


@pytest.mark.parametrize("segments", [[SEGMENT], [UNCERTAIN, UNLIKE, NOT_JUDGED], [NOT_JUDGED], []])
@pytest.mark.parametrize("banner", [None, "It learned from generated sounds."])
def test_every_answer_is_a_valid_bundle(segments, banner):
    answer = ANSWER | {"segments": segments, "model": ANSWER["model"] | {"banner": banner}}
    if not any(segment["predicted"] for segment in segments):
        answer["recording"] = answer["recording"] | {"abnormal_share": None, "longest_abnormal_s": None}
    bundle = fhir.bundle(answer)
    fhir_r4.check(bundle)
    recording, *others = observations(bundle)
    assert len(others) == len(segments) == len(recording.get("hasMember", []))
    for resource in observations(bundle):
        assert resource["status"] == "preliminary"
        assert {"text": CAUTION} in resource["note"]
        assert ({"text": banner} in resource["note"]) == (banner is not None)


def test_a_recording_without_a_clear_segment_has_a_reason_and_no_share():
    recording = ANSWER["recording"] | {"abnormal_share": None, "summary": "No segment has a clear result."}
    found = observations(fhir.bundle(ANSWER | {"recording": recording, "segments": [UNCERTAIN, UNLIKE]}))[0]
    assert found["dataAbsentReason"]["text"] == "No segment has a clear result."
    assert "valueString" not in found
    assert [part["code"]["text"] for part in found["component"]] == ["duration of the recording"]


@pytest.mark.parametrize(
    ("segment", "code", "words"),
    [
        (NOT_JUDGED, "not-performed", "not judged: silence"),
        (UNCERTAIN, "unknown", "uncertain: normal or crackle"),
        (UNLIKE, "unknown", "unlike anything the model learned from"),
    ],
)
def test_a_segment_without_a_certain_class_has_a_reason_and_no_value(segment, code, words):
    found = observations(fhir.bundle(ANSWER | {"segments": [segment]}))[1]
    assert found["dataAbsentReason"]["text"] == words
    assert found["dataAbsentReason"]["coding"][0]["code"] == code
    assert "valueCodeableConcept" not in found


def test_probabilities_are_components_and_doubt_is_an_interpretation():
    _, certain, uncertain, unlike = observations(fhir.bundle(ANSWER | {"segments": [SEGMENT, UNCERTAIN, UNLIKE]}))
    values = {part["code"]["text"]: part["valueQuantity"]["value"] for part in certain["component"]}
    assert values["end of the segment"] == 5.0
    assert [values[f"probability of {name}"] for name in PROBABILITIES] == list(PROBABILITIES.values())
    assert certain["valueCodeableConcept"] == {"text": "crackle"}
    assert "interpretation" not in certain
    assert uncertain["interpretation"] == [{"text": "uncertain: normal or crackle"}]
    assert unlike["interpretation"] == [{"text": "unlike anything the model learned from"}]


def test_the_rules_find_faults():
    bundle = fhir.bundle(ANSWER)
    for break_it in (
        lambda one: one["entry"][0]["resource"].pop("status"),
        lambda one: one["entry"][0]["resource"].update(status="draft"),
        lambda one: one["entry"][0]["resource"].update(comment="old element"),
        lambda one: one["entry"][1]["resource"].update(note=[]),
    ):
        broken = copy.deepcopy(bundle)
        break_it(broken)
        with pytest.raises(jsonschema.ValidationError):
            fhir_r4.check(broken)
    broken = copy.deepcopy(bundle)
    broken["entry"][1]["resource"]["dataAbsentReason"] = {"text": "and a value"}
    with pytest.raises(AssertionError):
        fhir_r4.check(broken)
