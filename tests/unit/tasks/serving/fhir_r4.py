"""Rules of FHIR R4 for the resources that the server writes, as a JSON schema and checks of invariants.

Elements, cardinalities and required value sets are those of the specification (4.0.1) of Bundle, Device and
Observation. Elements that the server does not write are left out, so that an unknown element is an error.
"""

import json
import re

import jsonschema

URI = {"type": "string", "pattern": r"^\S+$"}
CODE = {"type": "string", "pattern": r"^[^\s]+(\s[^\s]+)*$"}
TEXT = {"type": "string", "pattern": r"\S"}
INSTANT = {"type": "string", "pattern": r"^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}


def closed(required=(), **properties):
    """Return the schema of an object without other elements; empty objects do not exist in FHIR."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        "minProperties": 1,
    }


def some(schema):
    return {"type": "array", "items": schema, "minItems": 1}


CODING = closed(system=URI, version=TEXT, code=CODE, display=TEXT)
CONCEPT = closed(coding=some(CODING), text=TEXT)
QUANTITY = closed(value={"type": "number"}, unit=TEXT, system=URI, code=CODE)
REFERENCE = closed(reference=TEXT, display=TEXT)
ANNOTATION = closed(["text"], text=TEXT, time=INSTANT)
STATUS = ["registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"]
ABSENT = [
    *("unknown", "asked-unknown", "temp-unknown", "not-asked", "asked-declined", "masked", "not-applicable"),
    *("unsupported", "as-text", "error", "not-a-number", "negative-infinity", "positive-infinity"),
    *("not-performed", "not-permitted"),
]
VALUES = {"valueQuantity": QUANTITY, "valueCodeableConcept": CONCEPT, "valueString": TEXT}
COMPONENT = closed(["code"], code=CONCEPT, dataAbsentReason=CONCEPT, interpretation=some(CONCEPT), **VALUES)
OBSERVATION = closed(
    ["resourceType", "status", "code"],
    resourceType={"const": "Observation"},
    id={"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"},
    status={"enum": STATUS},
    category=some(CONCEPT),
    code=CONCEPT,
    issued=INSTANT,
    dataAbsentReason=CONCEPT,
    interpretation=some(CONCEPT),
    note=some(ANNOTATION),
    method=CONCEPT,
    device=REFERENCE,
    hasMember=some(REFERENCE),
    component=some(COMPONENT),
    **VALUES,
)
NAME_TYPES = ["udi-label-name", "user-friendly-name", "patient-reported-name", "manufacturer-name", "model-name"]
DEVICE = closed(
    ["resourceType"],
    resourceType={"const": "Device"},
    status={"enum": ["active", "inactive", "entered-in-error", "unknown"]},
    manufacturer=TEXT,
    deviceName=some(closed(["name", "type"], name=TEXT, type={"enum": NAME_TYPES})),
    type=CONCEPT,
    version=some(closed(["value"], value=TEXT, type=CONCEPT)),
    note=some(ANNOTATION),
)
ENTRY = closed(["resource"], fullUrl=URI, resource={"oneOf": [OBSERVATION, DEVICE]})
BUNDLES = ["document", "message", "transaction", "batch", "history", "searchset", "collection"]
BUNDLE = closed(
    ["resourceType", "type"],
    resourceType={"const": "Bundle"},
    type={"enum": BUNDLES},
    timestamp=INSTANT,
    entry=some(ENTRY),
)
VALIDATOR = jsonschema.Draft202012Validator(BUNDLE)


def check(bundle):
    """Check a bundle against the schema and the invariants that a schema cannot state."""
    VALIDATOR.validate(json.loads(json.dumps(bundle, allow_nan=False)))
    addresses = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(addresses)) == len(addresses)  # bdl-7
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", address) for address in addresses)
    for entry in bundle["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] != "Observation":
            continue
        values = [key for key in resource if key.startswith("value")]
        assert len(values) <= 1  # one type of value
        assert not (values and "dataAbsentReason" in resource)  # obs-6
        assert resource["code"] not in [part["code"] for part in resource.get("component", [])]  # obs-7
        assert values or resource.get("component") or resource.get("dataAbsentReason")
        references = [resource["device"], *resource.get("hasMember", [])]
        assert all(reference["reference"] in addresses for reference in references)
        reasons = resource.get("dataAbsentReason", {}).get("coding", [])
        assert all(coding["code"] in ABSENT for coding in reasons)
