"""CycloneDX bill of materials, validated by the library of the CycloneDX project (strict schema, version 1.6)."""

import json
from importlib import metadata

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from rfc3986_validator import validate_rfc3986

from lineage import project
from lineage.exports import cyclonedx
from tasks.runtime.files import sha256


@pytest.fixture(scope="module")
def bom(made):
    return cyclonedx.bill(made)


def components(bom, kind):
    return {one["name"]: one for one in bom["components"] if one["type"] == kind}


def urls(value):
    if isinstance(value, dict):
        yield from (url for key, url in value.items() if key == "url")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from urls(part)


def test_the_bill_of_materials_is_valid_and_every_reference_has_its_component(bom):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bom)) is None
    # The strict schema's one string format that the validator leaves aside: `iri-reference`, of every `url`.
    assert [url for url in urls(bom) if not validate_rfc3986(url, rule="URI_reference")] == []
    references = [one["bom-ref"] for one in [bom["metadata"]["component"], *bom["components"]]]
    assert len(references) == len(set(references))
    assert {name for one in bom["dependencies"] for name in one["dependsOn"]} <= set(references)


def test_packages_are_those_of_the_records_compared_with_the_lock(bom):
    numpy = components(bom, "library")["numpy"]
    assert numpy["version"] == metadata.version("numpy")
    assert numpy["purl"] == f"pkg:pypi/numpy@{numpy['version']}"
    assert numpy["licenses"]
    assert {"name": "breathline:lock", "value": "as locked"} in numpy["properties"]


@pytest.mark.slow
def test_a_version_that_differs_from_the_lock_is_stated(copied):
    for path in (copied / "data/lineage").glob("*.json"):
        record = json.loads(path.read_text())
        record["environment"]["packages"] |= {"numpy": "1.0"} if path.stem == "evaluate" else {}
        path.write_text(json.dumps(record))
    found = [one for one in cyclonedx.bill(project.load(copied))["components"] if one["name"] == "numpy"]
    assert len(found) == 2
    (old,) = (one for one in found if one["version"] == "1.0")
    properties = {one["name"]: one["value"] for one in old["properties"]}
    assert properties == {"breathline:lock": f"differs: {metadata.version('numpy')}", "breathline:stages": "evaluate"}


def test_models_have_their_hash_and_a_card_with_their_own_figures(bom, made):
    models = components(bom, "machine-learning-model")
    assert set(models) == {"student/1/val", "student/2/val"}
    one, root = models["student/2/val"], made.root
    assert one["hashes"] == [{"alg": "SHA-256", "content": sha256(root / "data/student/2/val.safetensors")}]
    judged = json.loads((root / "reports/metrics.json").read_text())["students"]["2"]["val"]
    figures = one["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    shown = {figure["type"]: figure["value"] for figure in figures}
    assert shown["Sensitivity (lenient)"] == f"{judged['se_lenient']} %"
    assert "no medical device" in " ".join(one["modelCard"]["considerations"]["useCases"])


def test_recordings_are_a_component_of_their_own(bom):
    (data,) = components(bom, "data").values()
    assert "Freely available for research" in data["licenses"][0]["license"]["name"]
    assert data["data"][0]["sensitiveData"]


def test_equal_projects_give_equal_bills_of_materials(bom, made):
    assert cyclonedx.bill(project.load(made.root)) == bom
