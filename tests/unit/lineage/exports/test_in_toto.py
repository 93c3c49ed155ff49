"""In-toto statements, read by the bindings of in-toto; the predicate is read by the protobuf message of SLSA."""

import shutil

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

from lineage import project
from lineage.exports import in_toto
from tasks.runtime.errors import BreathlineError
from tests import toy


@pytest.fixture(scope="module")
def statement(made):
    return in_toto.statement(made)


def test_the_statement_and_its_predicate_follow_the_standards(statement):
    Statement.copy_from_pb(json_format.ParseDict(statement, statement_pb2.Statement())).validate()
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    predicate = json_format.ParseDict(statement["predicate"], provenance_pb2.Provenance())
    assert predicate.build_definition.build_type
    assert predicate.run_details.builder.id == "urn:breathline:builder:small"
    started, finished = predicate.run_details.metadata.started_on, predicate.run_details.metadata.finished_on
    assert (finished.ToDatetime() - started.ToDatetime()).total_seconds() == 1


def test_models_and_figures_are_the_subjects(statement):
    models = [f"data/student/{seed}" for seed in (1, 2)] + [f"data/teachers/t{number}" for number in (1, 2, 3)]
    files = {f"{model}/{name}" for model in models for name in ("model.json", "val.safetensors")}
    files |= {f"data/export/{seed}/{name}" for seed in (1, 2) for name in ("model.json", "model.safetensors")}
    figures = {f"data/evaluation/{name}.parquet" for name in ("predictions", "external", "native")}
    figures |= {"reports/metrics.json", "reports/scores.json"}
    assert {subject["name"] for subject in statement["subject"]} == files | figures


def test_the_statement_names_archive_recordings_code_commit_and_lock(statement, small_project):
    found = {one["name"]: one["digest"] for one in statement["predicate"]["buildDefinition"]["resolvedDependencies"]}
    assert found["small.zip"] == {"sha256": "5" * 64}
    assert found["source code"] == {"gitCommit": toy.call(small_project, "git", "rev-parse", "HEAD").strip()}
    assert {"data/raw/icbhi/audio/101_1b1_Tc_sc_Meditron.wav", "requirements.lock", "tasks/evaluate.py"} <= set(found)
    assert "uncommitted changes" not in found


def test_a_dirty_tree_is_stated(copied):
    record = copied / "data/lineage/evaluate.json"
    clean = '"dirty": false'
    assert clean in record.read_text()
    dirty = '"dirty": true, "diff_sha256": "%s", "untracked": {}' % ("d" * 64)
    record.write_text(record.read_text().replace(clean, dirty))
    dependencies = in_toto.statement(project.load(copied))["predicate"]["buildDefinition"]["resolvedDependencies"]
    (changes,) = (one for one in dependencies if one["name"] == "uncommitted changes")
    assert changes["digest"] == {"sha256": "d" * 64}
    assert changes["annotations"]["stages"] == ["evaluate"]


def test_the_statement_is_reproducible_and_agrees_with_the_files(statement, made):
    assert in_toto.statement(project.load(made.root)) == statement
    assert in_toto.differences(statement, made.root) == {}


def test_changed_and_missing_files_are_named(copied, statement):
    weights = copied / "data/student/1/val.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    (copied / "reports/scores.json").unlink()
    found = in_toto.differences(statement, copied)
    assert set(found) == {"data/student/1/val.safetensors", "reports/scores.json"}
    assert "missing" in found["reports/scores.json"]


def test_a_malformed_statement_is_refused(small_project):
    with pytest.raises(ValueError, match="not an in-toto statement"):
        in_toto.differences({"_type": "https://in-toto.io/Statement/v0.1", "subject": [{}]}, small_project)
    subject = {"name": "x", "digest": {"md5": "0"}}
    with pytest.raises(ValueError, match="no name or no SHA-256"):
        in_toto.differences({"_type": in_toto.STATEMENT, "subject": [subject]}, small_project)


def test_without_models_and_figures_there_is_nothing_to_attest(copied):
    shutil.rmtree(copied / "data/lineage")
    with pytest.raises(BreathlineError, match="No record names a model"):
        in_toto.statement(project.load(copied))
