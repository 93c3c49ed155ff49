"""Validation of bills of materials by the library of the CycloneDX project (strict schema, version 1.6)."""

import copy
import json
import re

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from rfc3986_validator import validate_rfc3986

KEPT = 2


def validate(bom):
    """Check a bill against the schema.

    The validator takes half a minute for the thousands of hashes of the lock file. It gets the first ones of each
    package; form and uniqueness of the others are checked here.
    """
    bom = copy.deepcopy(bom)
    for one in bom["components"]:
        for reference in one.get("externalReferences", []):
            hashes = [found["content"] for found in reference.get("hashes", [])]
            assert len(set(hashes)) == len(hashes)
            assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in hashes)
            if hashes:
                reference["hashes"] = reference["hashes"][:KEPT]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bom)) is None
    # The strict schema's one string format that the validator leaves aside: `iri-reference`, of every `url`.
    assert [url for url in urls(bom) if not validate_rfc3986(url, rule="URI_reference")] == []


def urls(value):
    if isinstance(value, dict):
        yield from (url for key, url in value.items() if key == "url")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from urls(part)
