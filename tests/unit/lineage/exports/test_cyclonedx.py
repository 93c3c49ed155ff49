"""CycloneDX bills of materials."""

import hashlib
import itertools
import json
from importlib import metadata

import pytest

from lineage import project
from lineage.exports import cyclonedx
from tests.unit.lineage.exports import bills


@pytest.fixture(scope="module")
def bom(made):
    return cyclonedx.bill(made)


@pytest.fixture(scope="module")
def mlbom(made):
    return cyclonedx.bill_of_models(made)


def components(bom, kind):
    return {one["name"]: one for one in bom["components"] if one["type"] == kind}


def hashed(path):
    return {"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}


@pytest.mark.parametrize("name", ["bom", "mlbom"])
def test_a_bill_of_materials_is_valid_and_every_reference_has_its_component(name, request):
    bom = request.getfixturevalue(name)
    bills.validate(bom)
    root = bom["metadata"]["component"]
    references = [one["bom-ref"] for one in [root, *root.get("components", []), *bom["components"]]]
    assert len(references) == len(set(references))
    assert {name for one in bom["dependencies"] for name in one["dependsOn"]} <= set(references)


def test_packages_are_those_of_the_records_compared_with_the_lock(bom):
    numpy = components(bom, "library")["numpy"]
    assert numpy["version"] == metadata.version("numpy")
    assert numpy["purl"] == f"pkg:pypi/numpy@{numpy['version']}"
    # In this version the metadata name several licences, and authors in a field of its own.
    assert numpy["licenses"][0]["expression"].startswith("BSD-3-Clause AND")
    assert numpy["authors"] == [{"name": metadata.metadata("numpy")["Author"]}]
    assert {"name": "breathline:lock", "value": "as locked"} in numpy["properties"]


def test_a_package_has_the_hashes_of_the_lock_file(bom, made):
    lines = (made.root / "requirements.lock").read_text().splitlines()
    version = metadata.version("typer")
    start = next(number for number, line in enumerate(lines) if line.startswith(f"typer=={version}"))
    pinned = itertools.takewhile(lambda line: line.strip().startswith("--hash"), lines[start + 1 :])
    expected = [line.strip(" \\").removeprefix("--hash=sha256:") for line in pinned]
    (files,) = components(bom, "library")["typer"]["externalReferences"]
    assert (files["type"], files["url"]) == ("distribution", f"pkg:pypi/typer@{version}")
    assert [one["content"] for one in files["hashes"]] == sorted(expected)
    assert len(expected) >= 2


def test_the_tool_and_the_supplier_are_named(bom, mlbom):
    for found in (bom, mlbom):
        (tool,) = found["metadata"]["tools"]["components"]
        assert (tool["name"], tool["version"]) == ("breathline", metadata.version("breathline"))
    assert bom["metadata"]["supplier"] == {"name": "The Breathline authors"}
    assert "supplier" not in mlbom["metadata"]  # who supplies a model that a user trained is not known


def test_the_bill_of_models_describes_the_student_and_what_it_was_made_of(mlbom, made):
    student, figures = mlbom["metadata"]["component"], json.loads((made.root / "reports/metrics.json").read_text())
    assert (student["type"], student["name"]) == ("machine-learning-model", "student")
    assert [one["name"] for one in student["components"]] == ["student/1/val", "student/2/val"]
    shown = {one["type"]: one["value"] for one in student["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]}
    mean = figures["student"]["val"]["score_strict"]["mean"]
    assert shown["ICBHI Score (strict), epoch chosen by val"] == f"{mean} %"
    names = {one["bom-ref"]: one["name"] for one in [*student["components"], *mlbom["components"]]}
    made_of = {
        names.get(one["ref"], "student"): {names[part] for part in one["dependsOn"]} for one in mlbom["dependencies"]
    }
    corpus = "A part of ICBHI 2017 (7 of 920 recordings)"
    # The student learned from soft labels of t1 and t2; t3 labelled nothing.
    assert made_of["student"] == made_of["student/2/val"] == {corpus, "teacher/t1/val", "teacher/t2/val"}
    assert made_of["teacher/t3/val"] == {corpus}
    assert not [one for one in mlbom["components"] if one["type"] == "library"]


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
    assert set(models) == {*(f"student/{n}/val" for n in (1, 2)), *(f"teacher/t{n}/val" for n in (1, 2, 3))}
    one, root = models["student/2/val"], made.root
    assert one["hashes"] == [hashed(root / "data/student/2/val.safetensors")]
    assert models["teacher/t3/val"]["hashes"] == [hashed(root / "data/teachers/t3/val.safetensors")]
    judged = json.loads((root / "reports/metrics.json").read_text())["students"]["2"]["val"]
    figures = one["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    shown = {figure["type"]: figure["value"] for figure in figures}
    assert shown["Sensitivity (lenient)"] == f"{judged['se_lenient']} %"
    assert "no medical device" in " ".join(one["modelCard"]["considerations"]["useCases"])


def test_recordings_are_a_component_of_their_own(bom):
    (data,) = components(bom, "data").values()
    assert "Freely available for research" in data["licenses"][0]["license"]["name"]
    assert data["data"][0]["sensitiveData"]
    assert data["authors"][0] == {"name": "B. M. Rocha"}


def test_equal_projects_give_equal_bills_of_materials(bom, made):
    assert cyclonedx.bill(project.load(made.root)) == bom
