"""Predetermined change control plan: its schema, its CycloneDX attestation, and its facts, computed from the files."""

import copy
import hashlib
import json
import re
from importlib import metadata

import polars as pl
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from jsonschema import Draft202012Validator

from flows.new_recordings import promotion
from lineage.exports import cyclonedx, pccp
from lineage.exports.request import Request
from tasks.runtime.errors import BreathlineError

METRIC, MARGIN = "val.student.score_strict", 0.5
# Parts that the guidance asks for, written down here once more: key of the plan, and section of the guidance.
PARTS = {
    "/description_of_modifications": "“Description of Modifications”",
    "/modification_protocol": "“Modification Protocol”",
    "/modification_protocol/data_management_practices": "data management practices",
    "/modification_protocol/retraining_practices": "re-training practices",
    "/modification_protocol/performance_evaluation": "performance evaluation",
    "/modification_protocol/update_procedures": "update procedures",
    "/traceability": "traceability to the description of modifications",
    "/impact_assessment": "“Impact Assessment”",
}


@pytest.fixture(scope="module")
def written(made, tmp_path_factory):
    request = Request(made, tmp_path_factory.mktemp("pccp"), protocol=promotion.protocol(METRIC, MARGIN))
    return pccp.files(request)


@pytest.fixture(scope="module")
def plan(written):
    return json.loads(written["pccp.json"])


@pytest.fixture(scope="module")
def validator(written):
    schema = json.loads(written["pccp.schema.json"])
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.fixture(scope="module")
def attestation(written):
    return json.loads(written["pccp.cdx.json"])


def at(value, pointer):
    """Return the value at a JSON pointer."""
    for key in pointer.split("/")[1:]:
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def pointers(value, path=""):
    """Yield the JSON pointer of each key."""
    found = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for key, part in found:
        if isinstance(value, dict):
            yield f"{path}/{key}"
        yield from pointers(part, f"{path}/{key}")


def test_the_plan_fits_the_schema_that_it_names(written, plan, validator):
    validator.validate(plan)
    assert plan["$schema"] in written


def test_the_schema_requires_each_part_of_the_guidance_and_names_its_section(validator):
    for pointer, section in PARTS.items():
        *outer, key = pointer.split("/")[1:]
        parent = at(validator.schema, "".join(f"/properties/{one}" for one in outer))
        assert key in parent["required"]
        assert section in parent["properties"][key]["description"]


def test_a_plan_without_any_one_of_its_keys_or_with_another_type_is_refused(plan, validator):
    free = ("/model/weights/", "/modification_protocol/performance_evaluation/equal/")  # keys that the plan chooses
    # Of each list, the first item.
    known = [one for one in pointers(plan) if not one.startswith(free) and not re.search("/[1-9]", one)]
    assert set(PARTS) <= set(known)
    changed = copy.deepcopy(plan)
    for pointer in known:
        outer, _, key = pointer.rpartition("/")
        parent = at(changed, outer)
        for wrong in ({}, {key: {"other": True}}, {key: parent[key], "unknown": 1}):
            kept = dict(parent)
            parent.pop(key)
            parent.update(wrong)
            assert not validator.is_valid(changed), (pointer, wrong)
            parent.clear()
            parent.update(kept)
    assert changed == plan


def test_the_attestation_is_valid_cyclonedx_and_its_references_exist(attestation, plan, made):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(attestation)) is None
    (standard,), declared = attestation["definitions"]["standards"], attestation["declarations"]
    requirements = {one["bom-ref"]: one for one in standard["requirements"]}
    claims, evidence = ({one["bom-ref"]: one for one in declared[key]} for key in ("claims", "evidence"))
    (assessor,), (asserted,), (student,) = (
        declared["assessors"],
        declared["attestations"],
        declared["targets"]["components"],
    )
    defined = [standard["bom-ref"], assessor["bom-ref"], student["bom-ref"], *requirements, *claims, *evidence]
    assert len(defined) == len(set(defined))
    # Each part of the guidance is a requirement, answered by a claim about the student, by a part of the plan.
    answered = {}
    for one in asserted["map"]:
        (claim,) = (claims[name] for name in one["claims"])
        (proof,) = (evidence[name] for name in claim["evidence"])
        assert claim["target"] == student["bom-ref"]
        assert "score" not in one["conformance"]
        answered[requirements[one["requirement"]]["text"]] = proof["data"][0]["contents"]["url"]
    assert list(answered.values()) == [f"pccp.json#{pointer}" for pointer in PARTS]
    assert all(section in text for section, text in zip(PARTS.values(), answered, strict=True))
    assert all(at(plan, url.partition("#")[2]) for url in answered.values())
    assert {one["parent"] for one in requirements.values() if "parent" in one} == {"requirement/modification_protocol"}
    (impact,) = (one for one in claims.values() if "counterEvidence" in one)
    (counter,) = (evidence[name] for name in impact["counterEvidence"])
    assert counter["data"][0]["contents"]["attachment"]["content"].splitlines() == plan["impact_assessment"]["open"]
    assert asserted["assessor"] == assessor["bom-ref"]
    assert metadata.version("breathline") in assessor["organization"]["name"]
    bill = cyclonedx.bill_of_models(made)
    assert student["version"] == bill["metadata"]["component"]["version"]
    assert student["externalReferences"][0]["url"] == f"urn:cdx:{bill['serialNumber'][9:]}/1"


@pytest.mark.parametrize("change", ["an unknown key", "a score above 1", "an empty reference"])
def test_the_validator_of_cyclonedx_refuses_a_wrong_attestation(attestation, change):
    wrong = copy.deepcopy(attestation)
    declared = wrong["declarations"]
    if change == "an unknown key":
        declared["claims"][0]["proof"] = "none"
    elif change == "a score above 1":
        declared["attestations"][0]["map"][0]["conformance"]["score"] = 2
    else:
        declared["claims"].append(declared["claims"][0] | {"bom-ref": ""})
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(wrong)) is not None


def test_the_plan_has_the_parts_of_the_guidance(written, plan):
    assert "December 2024" in plan["guidance"]
    headings = re.findall(r"^## (.*)$", written["pccp.md"], re.MULTILINE)
    parts = ["1. Description of modifications", "2. Modification protocol", "3. Impact assessment", "Traceability"]
    assert headings == [*parts, "Open: to be written by the manufacturer"]
    protocol = written["pccp.md"].partition(parts[1])[2].partition(parts[2])[0]
    asked = ["Data management", "Re-training", "Performance evaluation", "Update procedures"]
    assert re.findall(r"^### (.*)$", protocol, re.MULTILINE) == asked
    for rows in re.findall(r"(?:^\|.*\n)+", written["pccp.md"], re.MULTILINE):
        assert len({line.count("|") for line in rows.splitlines()}) == 1


def test_facts_of_the_plan_follow_from_the_files(plan, made):
    predictions = pl.read_parquet(made.root / "data/evaluation/predictions.parquet")
    tested = predictions.filter(pl.col("model").str.starts_with("student/"), selection="val")
    evaluation = plan["modification_protocol"]["performance_evaluation"]
    assert evaluation["test"]["cycles"] == tested["cycle_id"].n_unique()
    assert evaluation["test"]["patients"] == tested["patient_id"].n_unique()
    # The strict Score of each seed, by its definition, and their mean.
    right = pl.col("label") == pl.col("predicted")
    normal = pl.col("label") == 0
    of_seeds = tested.group_by("model").agg(sp=right.filter(normal).mean() * 100, se=right.filter(~normal).mean() * 100)
    score = ((of_seeds["sp"] + of_seeds["se"]) / 2).mean()
    assert evaluation["value"] == pytest.approx(score, abs=0.01)
    for path, digest in plan["model"]["weights"].items():
        assert hashlib.sha256((made.root / path).read_bytes()).hexdigest() == digest
    recordings = pl.read_parquet(made.root / "data/extracted/icbhi/recordings.parquet")
    (source,) = plan["description_of_modifications"][0]["sources"]
    assert (source["recordings"], source["patients"]) == (recordings.height, recordings["patient_id"].n_unique())
    devices = {one["group"]: one["cycles"] for one in plan["impact_assessment"]["groups"] if one["column"] == "device"}
    of_cycle = tested.unique("cycle_id").join(recordings.select("recording_id", "device"), on="recording_id")
    assert devices == dict(of_cycle["device"].value_counts().rows())


@pytest.mark.parametrize(("loss", "accepted"), [(0.5, True), (0.51, False)])
def test_the_stated_rule_is_the_rule_that_watch_follows(plan, loss, accepted):
    rule, metrics = (
        plan["modification_protocol"]["performance_evaluation"],
        {"labels": "lungsound_4", "split": "official"},
    )
    given = {"metrics": metrics, "production_metrics": metrics}
    scores = {rule["metric"]: 60.0 - loss}
    assert promotion.decide(rule["metric"], rule["margin"], scores, {rule["metric"]: 60.0}, **given).promote is accepted
    for key in rule["equal"]:
        other = given | {"production_metrics": metrics | {key: "another"}}
        assert not promotion.decide(rule["metric"], rule["margin"], {rule["metric"]: 99.0}, scores, **other).promote
    generated = given | {"metrics": metrics | {"generated": True}}
    assert not promotion.decide(rule["metric"], rule["margin"], {rule["metric"]: 99.0}, scores, **generated).promote


@pytest.mark.parametrize("metric", ["val.student.colour", "score", "external.hospital.val.student.sp"])
def test_an_unknown_metric_is_named(made, tmp_path, metric):
    with pytest.raises(BreathlineError, match=f"has no figure {metric}"):
        pccp.files(Request(made, tmp_path, protocol=promotion.protocol(metric, 1.0)))
