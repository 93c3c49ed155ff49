"""PROV documents, read by the `prov` package."""

import hashlib
import json
import shutil
from graphlib import TopologicalSorter
from importlib import metadata

import pytest
from prov.model import ProvActivity, ProvDerivation, ProvDocument, ProvEntity

from lineage import project
from lineage.exports import prov
from tests import toy


@pytest.fixture(scope="module")
def document(made):
    return ProvDocument.deserialize(content=json.dumps(prov.document(made)), format="json")


def test_the_document_is_equal_after_reading_and_writing_by_prov(document):
    assert ProvDocument.deserialize(content=document.serialize(format="json"), format="json") == document
    assert "wasDerivedFrom(" in document.get_provn()


def test_every_relation_is_between_records_of_the_document(made):
    exported = prov.document(made)
    known = {name for kind in ("entity", "activity", "agent") for name in exported[kind]}
    kinds = set(exported) - {"prefix", "entity", "activity", "agent"}
    delegation = {"wasAssociatedWith", "actedOnBehalfOf"}
    assert {"used", "wasGeneratedBy", "wasDerivedFrom", "hadMember"} | delegation == kinds
    assert {name for kind in kinds for one in exported[kind].values() for name in one.values()} <= known


def test_each_stage_is_an_activity_with_its_times(document, made):
    activities = list(document.get_records(ProvActivity))
    assert {one.label for one in activities} == set(made.stages)
    assert {(one.get_endTime() - one.get_startTime()).total_seconds() for one in activities} == {1.0}


def test_figures_are_derived_from_wavs_through_every_stage_between(document):
    labels = {one.identifier: one.label for one in document.get_records(ProvEntity)}
    parents: dict[str, set[str]] = {}
    for relation in document.get_records(ProvDerivation):
        (_, made), (_, source), *_ = relation.formal_attributes
        parents.setdefault(labels[made], set()).add(labels[source])
    # Collections stand for what they hold: a step from a folder leads to the stages that fill it.
    found, open_ends = set(), {"reports/metrics.json"}
    while open_ends:
        found |= open_ends
        nexts = {one for label in open_ends for one in parents.get(label, ())}
        nexts |= {one for label in nexts for one in parents if one.startswith(f"{label}/")}
        open_ends = nexts - found
    assert {"data/student", "data/teachers/t3", "data/soft_labels/soft_labels.parquet", "data/raw/icbhi"} <= found


RUNS = ("3f1e1a5e-8d3a-4c3e-9a53-1b8f1c1d2e3f", "11111111-8d3a-4c3e-9a53-1b8f1c1d2e3f")


@pytest.fixture(scope="module")
def grouped(small_project, tmp_path_factory):
    """Return the project after two runs of DVC: the second one ran the students and what follows."""
    root = shutil.copytree(
        small_project,
        tmp_path_factory.mktemp("prov") / "p",
        ignore=shutil.ignore_patterns("audio", "waveforms"),
    )
    later, path = {"train_student@1", "train_student@2", "evaluate"}, root / ".lineage/events.jsonl"
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    by_dvc = [{"dvc_run": RUNS[one["stage"] in later], "started_by": "dvc"} for one in entries]
    path.write_text("".join(json.dumps(one | more) + "\n" for one, more in zip(entries, by_dvc, strict=True)))
    return project.load(root)


def test_each_run_of_dvc_is_a_bundle_that_describes_all_it_names(grouped):
    exported = prov.document(grouped)
    assert set(exported["bundle"]) == {f"bl:graph/{run}" for run in RUNS}
    for name, bundle in exported["bundle"].items():
        assert exported["entity"][name]["prov:type"]["$"] == "prov:Bundle"
        known = {one for kind in ("entity", "activity", "agent") for one in bundle[kind]}
        relations = [
            one for kind in set(bundle) - {"prefix", "entity", "activity", "agent"} for one in bundle[kind].values()
        ]
        assert {part for one in relations for part in one.values()} <= known
    read = ProvDocument.deserialize(content=json.dumps(exported), format="json")
    stages = {
        bundle.identifier.localpart: {one.label for one in bundle.get_records(ProvActivity)} for bundle in read.bundles
    }
    assert stages[f"graph/{RUNS[1]}"] == {"train_student@1", "train_student@2", "evaluate"}
    assert set.union(*stages.values()) == set(grouped.stages)


def test_bundles_together_say_what_the_document_without_them_says(grouped, document):
    read = ProvDocument.deserialize(content=json.dumps(prov.document(grouped)), format="json").flattened().unified()
    for kind in (ProvEntity, ProvDerivation):
        names = [
            {one.identifier or tuple(one.formal_attributes) for one in found.get_records(kind)}
            for found in (read, document)
        ]
        assert {one for one in names[0] if not str(one).startswith("bl:graph/")} == names[1]
    graph = {}
    for relation in read.get_records(ProvDerivation):
        (_, made), (_, source), *_ = relation.formal_attributes
        graph.setdefault(str(made), set()).add(str(source))
    assert len(list(TopologicalSorter(graph).static_order())) > len(graph)  # nothing is derived from itself


def test_software_acts_on_behalf_of_a_person(grouped):
    (bundle, _) = prov.document(grouped)["bundle"].values()
    kinds = {name: one["prov:type"]["$"] for name, one in bundle["agent"].items()}
    software = [f"bl:software/{name}/{metadata.version(name)}" for name in ("breathline", "dvc")]
    assert kinds == {"bl:user/anna/small": "prov:Person"} | dict.fromkeys(software, "prov:SoftwareAgent")
    acts = {(one["prov:delegate"], one["prov:responsible"]) for one in bundle["actedOnBehalfOf"].values()}
    assert acts == {(software[0], software[1]), (software[1], "bl:user/anna/small")}
    assert {one["prov:agent"] for one in bundle["wasAssociatedWith"].values()} == {software[0]}


def test_facts_follow_from_files_records_and_log(made, document):
    entities = {str(one.identifier): dict(one.attributes) for one in document.get_records(ProvEntity)}
    for path in (
        "reports/metrics.json",
        "data/student/1/val.safetensors",
        "data/raw/icbhi/audio/101_1b1_Tc_sc_Meditron.wav",
    ):
        content = (made.root / path).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        found = {str(key): value for key, value in entities[f"bl:file/{digest[:16]}/{path}"].items()}
        assert (found["bl:sha256"], found["bl:bytes"]) == (digest, len(content))
    lines = [json.loads(line) for line in (made.root / ".lineage/events.jsonl").read_text().splitlines()]
    started = {one["stage"]: one["at"] for one in lines if one["event"] == "start"}
    activities = {one.label: one for one in document.get_records(ProvActivity)}
    assert {name: one.get_startTime().isoformat(timespec="milliseconds") for name, one in activities.items()} == started
    commit = toy.call(made.root, "git", "rev-parse", "HEAD").strip()
    plan = {str(key): value for key, value in entities["bl:code/evaluate"].items()}
    assert plan["bl:commit"] == commit


def test_a_stage_of_another_machine_has_no_times_and_no_agent(copied):
    shutil.rmtree(copied / ".lineage")
    exported = prov.document(project.load(copied))
    assert "agent" not in exported
    assert exported["activity"]["bl:run/evaluate"]["prov:label"] == "evaluate"
    assert not any("prov:startTime" in one for one in exported["activity"].values())
    ProvDocument.deserialize(content=json.dumps(exported), format="json")
