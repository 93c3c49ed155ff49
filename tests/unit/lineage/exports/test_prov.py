"""PROV documents, read by the `prov` package."""

import json
import shutil

import pytest
from prov.model import ProvActivity, ProvDerivation, ProvDocument, ProvEntity

from lineage import project
from lineage.exports import prov


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
    assert {"used", "wasGeneratedBy", "wasDerivedFrom", "hadMember", "wasAssociatedWith"} == kinds
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


def test_a_stage_of_another_machine_has_no_times_and_no_agent(copied):
    shutil.rmtree(copied / ".lineage")
    exported = prov.document(project.load(copied))
    assert "agent" not in exported
    assert exported["activity"]["bl:run/evaluate"]["prov:label"] == "evaluate"
    assert not any("prov:startTime" in one for one in exported["activity"].values())
    ProvDocument.deserialize(content=json.dumps(exported), format="json")
