"""In-toto statements, read by the bindings of in-toto; the predicate is read by the protobuf message of SLSA."""

import hashlib
import json
import shutil
from datetime import datetime

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from ruamel.yaml import YAML

from lineage import events, files, project
from lineage.exports import attested, in_toto
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


def test_models_figures_plots_and_report_are_the_subjects(statement, made):
    models = [f"data/student/{seed}" for seed in (1, 2)] + [f"data/teachers/t{number}" for number in (1, 2, 3)]
    paths = {f"{model}/{name}" for model in models for name in ("model.json", "val.safetensors")}
    paths |= {f"data/export/{seed}/{name}" for seed in (1, 2) for name in ("model.json", "model.safetensors")}
    figures = {f"data/evaluation/{name}.parquet" for name in ("predictions", "external", "native")}
    figures |= {f"reports/{name}" for name in ("metrics.json", "scores.json", "explanation.json", "report.html")}
    figures |= {f"reports/plots/{path.name}" for path in (made.root / "reports/plots").iterdir()}
    assert {subject["name"] for subject in statement["subject"]} == paths | figures


def test_the_statement_names_archive_recordings_code_commit_and_lock(statement, small_project):
    found = {one["name"]: one["digest"] for one in statement["predicate"]["buildDefinition"]["resolvedDependencies"]}
    assert found["small.zip"] == {"sha256": "5" * 64}
    assert found["source code"] == {"gitCommit": toy.call(small_project, "git", "rev-parse", "HEAD").strip()}
    assert {"data/raw/icbhi/audio/101_1b1_Tc_sc_Meditron.wav", "requirements.lock", "tasks/evaluate.py"} <= set(found)
    assert "uncommitted changes" not in found


def test_facts_of_the_statement_follow_from_files_and_log(statement, made):
    root, predicate = made.root, statement["predicate"]
    named = [
        *statement["subject"],
        *predicate["runDetails"]["byproducts"],
        *predicate["buildDefinition"]["resolvedDependencies"],
    ]
    files = {one["name"]: one["digest"].get("sha256") for one in named if (root / one["name"]).is_file()}
    assert {"reports/report.html", "reports/plots/roc.csv", "data/lineage/evaluate.json", "requirements.lock"} <= set(
        files
    )
    assert files == {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in files}
    lines = [json.loads(line) for line in (root / ".lineage/events.jsonl").read_text().splitlines()]
    times = {
        event: [datetime.fromisoformat(line["at"]) for line in lines if line["event"] == event]
        for event in ("start", "end")
    }
    stated = {
        key: datetime.fromisoformat(predicate["runDetails"]["metadata"][key]) for key in ("startedOn", "finishedOn")
    }
    assert stated == {"startedOn": min(times["start"]), "finishedOn": max(times["end"])}
    evaluated = next(line for line in lines if line["event"] == "end" and line["stage"] == "evaluate")
    assert predicate["runDetails"]["metadata"]["invocationId"] == evaluated["hash"]
    parameters = YAML(typ="safe").load(root / "params.yaml")
    assert predicate["buildDefinition"]["externalParameters"]["stages"]["evaluate"]["labels"] == parameters["labels"]


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
    assert attested.differences(statement, made.root) == {}


def test_changed_and_missing_files_are_named(copied, statement):
    weights = copied / "data/student/1/val.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    (copied / "reports/scores.json").unlink()
    found = attested.differences(statement, copied)
    assert set(found) == {"data/student/1/val.safetensors", "reports/scores.json"}
    assert "missing" in found["reports/scores.json"]


def log_of(statement):
    byproducts = statement["predicate"]["runDetails"]["byproducts"]
    return next(one for one in byproducts if one["name"] == ".lineage/events.jsonl")


def test_the_log_has_the_hash_of_its_bytes(statement, made):
    path = made.root / ".lineage/events.jsonl"
    described, lines = log_of(statement), path.read_text().splitlines()
    assert described["digest"] == {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    last = {"entries": len(lines), "lastEntry": json.loads(lines[-1])["hash"], "bytes": path.stat().st_size}
    assert described["annotations"] == last


def test_a_log_may_grow_and_not_change(copied, statement):
    log = copied / ".lineage/events.jsonl"
    (copied / ".lineage/events.jsonl").write_bytes(log.read_bytes() + b'{"a torn')
    assert log_of(in_toto.statement(project.load(copied))) == log_of(statement)
    events.append(copied, {"event": "start", "stage": "report", "at": "2026-01-02T00:00:00.000+00:00"})
    assert attested.differences(statement, copied) == {}
    whole = log.read_text()
    log.write_text(whole.replace('"user":"anna"', '"user":"bert"', 1))
    assert "are not those that were attested" in attested.differences(statement, copied)[".lineage/events.jsonl"]
    log.write_text(whole[:500])
    assert "the log is shorter" in attested.differences(statement, copied)[".lineage/events.jsonl"]
    log.unlink()
    assert set(attested.differences(statement, copied)) == {".lineage/events.jsonl"}


def test_a_report_that_is_made_again_is_as_attested(copied):
    report, record = copied / "reports/report.html", copied / "data/lineage/report.json"
    page = "<!-- provenance -->made {}<!-- /provenance --><p>{} %</p>"

    def write(when, score):
        report.write_text(page.format(when, score))
        entry = files.describe(copied, ["reports/report.html"])
        record.write_text(json.dumps(json.loads(record.read_text()) | {"outputs": entry}))

    write("on Monday", 60)
    statement = in_toto.statement(project.load(copied))
    write("on Tuesday", 60)
    assert attested.differences(statement, copied) == {}
    write("on Tuesday", 70)
    assert set(attested.differences(statement, copied)) == {"reports/report.html"}


def test_a_malformed_statement_is_refused(small_project):
    with pytest.raises(ValueError, match="not an in-toto statement"):
        attested.differences({"_type": "https://in-toto.io/Statement/v0.1", "subject": [{}]}, small_project)
    subject = {"name": "x", "digest": {"md5": "0"}}
    with pytest.raises(ValueError, match="no name or no SHA-256"):
        attested.differences({"_type": attested.STATEMENT, "subject": [subject]}, small_project)


def test_a_statement_that_gives_the_last_entry_as_the_hash_of_the_log_is_refused(statement, copied):
    last = json.loads((copied / ".lineage/events.jsonl").read_text().splitlines()[-1])["hash"]
    earlier = json.loads(json.dumps(statement))
    log = log_of(earlier)
    log["digest"]["sha256"] = last
    del log["annotations"]
    with pytest.raises(ValueError, match="did not hash the event log"):
        attested.differences(earlier, copied)


def test_without_models_and_figures_there_is_nothing_to_attest(copied):
    shutil.rmtree(copied / "data/lineage")
    with pytest.raises(BreathlineError, match="No record names a model"):
        in_toto.statement(project.load(copied))
