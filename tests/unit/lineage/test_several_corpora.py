"""Audit of a project with two corpora to learn from and one that is only tested on."""

import json
import shutil
from pathlib import Path
from unittest import mock

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from lineage import manifest, project
from lineage.absence import fingerprint, search, stores
from lineage.absence.search import find
from lineage.diff import comparison, runs
from lineage.exports import croissant, cyclonedx, data_card, in_toto, model_card, openlineage, prov
from lineage.exports.request import Request
from lineage.verify import model_recomputation, recomputation, verification
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Sample
from tasks.artifacts import METRICS
from tasks.runtime.errors import BreathlineError
from tests.unit.lineage import small
from tests.unit.lineage.exports import bills


@pytest.fixture(scope="module")
def copied(several_project, tmp_path_factory):
    """Return a copy to change."""
    return shutil.copytree(several_project, tmp_path_factory.mktemp("copied") / "project")


@pytest.fixture(scope="module")
def without(several_project, tmp_path_factory):
    """Return the same project, run again without the patient 101 of the external corpus."""
    root = shutil.copytree(several_project, tmp_path_factory.mktemp("without") / "project")
    shutil.rmtree(root / "data/external")
    left = {name: value for name, value in small.HOSPITAL.items() if not name.startswith("101")}
    with mock.patch.object(small, "HOSPITAL", left):
        small.run(root)
    # The features of `small` follow from their number alone, so that the first rows would be those of before.
    for path in (root / "data/external/tested/hospital/fbank").glob("*/features.npy"):
        np.save(path, np.load(path) + np.float16(1))
    return root


@pytest.fixture(scope="module")
def made(several_project):
    return project.load(several_project)


def change(path: Path, **columns: pl.Expr) -> None:
    changed = pl.read_parquet(path).with_columns(**columns).to_arrow()
    pq.write_table(changed.cast(pq.read_schema(path)), path)


@pytest.mark.slow
def test_each_corpus_and_the_pool_are_verified(several_project, copied):
    assert {one.kind for one in verification.verify(several_project).findings} == {"lock-missing"}
    wav = "data/external/raw/hospital/audio/301_1b1_Tc_sc_Meditron.wav"
    (copied / wav).write_bytes((copied / wav).read_bytes()[:-2] + b"\0\0")
    change(copied / "data/cycles/cycles.parquet", fold=pl.lit(3, pl.Int8))
    moved = pl.when(pl.col("patient_id") == "203").then(pl.lit("train")).otherwise("split")
    change(copied / "data/extracted/second/recordings.parquet", split=moved)
    change(copied / "data/evaluation/external.parquet", label=pl.lit(0, pl.Int8))
    first = (pl.col("corpus") == "second") & (pl.col("model") == "student/1")
    other = pl.when(first).then(0).otherwise("predicted").cast(pl.Int8)
    change(copied / "data/evaluation/predictions.parquet", predicted=other)
    report = verification.verify(copied)
    found = {(one.kind, one.where.rpartition(": ")[0] or one.where): one for one in report.errors}
    recording = found["recording-contradicts", wav]
    assert recording.stages == ("extract_external@hospital",)
    assert {stage.partition("@")[0] for stage in recording.downstream} == {
        "validate_external",
        "fbank_external",
        "evaluate",
        "explain",
        "export",
        "report",
    }
    assert "fold of" in found["pool-contradicts", "data/cycles/cycles.parquet"].what
    assert found["split-contradicts", "data/extracted/second/recordings.parquet"].stages == ("extract@second",)
    assert ("prediction-contradicts", "data/evaluation/external.parquet: hospital") in found
    keys = {one.where for one in report.errors if one.kind == "metric-contradicts"}
    assert any("corpora.second.students.1.val" in key for key in keys)
    assert any("external.hospital.student.val" in key for key in keys)
    assert not any("corpora.icbhi" in key for key in keys)


@pytest.mark.slow
def test_cycles_and_figures_of_each_corpus_are_recomputed(several_project):
    audited = AuditedProject(several_project)
    found = [*recomputation.cycles(audited, Sample(sample=2, seed=0)), *model_recomputation.metrics(audited)]
    assert {one.kind for one in found} == {"computed-anew"}
    assert [one.where for one in found] == ["cycles of icbhi", "cycles of second", "cycles of hospital", "metrics"]


@pytest.mark.slow
def test_limits_over_patients_and_seeds_are_recomputed(several_project, monkeypatch):
    audited = AuditedProject(several_project)
    forged, read = audited.json(METRICS), audited.json
    forged["student"]["val"]["sp"]["high_seeds"] = 1.5
    monkeypatch.setattr(audited, "json", lambda path: forged if path == METRICS else read(path))
    errors = [one.where for one in model_recomputation.metrics(audited) if one.kind == "metric-contradicts"]
    assert errors == ["reports/metrics.json: student.val.sp.high_seeds"]


@pytest.mark.slow
def test_a_patient_is_searched_in_the_corpus_of_the_question(several_project):
    before = str(several_project)
    learned = find(several_project, "patient:201", before)
    assert (learned.corpus, learned.setting) == ("second", "corpora.second.exclude_patients")
    assert learned.known_by["weights"] == 5
    with pytest.raises(BreathlineError, match="2 corpora have a patient 101") as error:
        find(several_project, "patient:101", before)
    assert "patient:icbhi:101, patient:hospital:101" in str(error.value)
    tested = find(several_project, "patient:hospital:101", before)
    assert (tested.setting, tested.homonyms) == ("external.hospital.exclude_patients", ("icbhi",))
    assert tested.known_by["weights"] == 0
    paths = {trace.path for trace in tested.traces}
    assert "data/evaluation/external.parquet" in paths
    assert not any(path.startswith(("data/raw", "data/cycles", "data/teachers")) for path in paths)
    other = {trace.path for trace in find(several_project, "patient:icbhi:101", before).traces}
    assert "data/cycles/cycles.parquet" in other
    assert not any("external" in path for path in other)


@pytest.mark.slow
def test_a_removed_external_patient_is_absent_beside_another_of_its_number(several_project, without):
    found = find(without, "patient:hospital:101", str(several_project))
    assert (found.traces, found.homonyms, found.proven) == ((), ("icbhi",), True)
    shutil.copy(
        several_project / "data/external/raw/hospital/audio/101_1b1_Tc_sc_Meditron.wav",
        without / "data/raw/icbhi/metadata/copy.wav",
    )
    found = find(without, "patient:hospital:101", str(several_project))
    assert [trace.path for trace in found.traces] == ["data/raw/icbhi/metadata/copy.wav"], (
        "hashes are searched anywhere"
    )
    (without / "data/raw/icbhi/metadata/copy.wav").unlink()


def test_a_comparison_tells_corpora_apart(several_project, without):
    found = comparison.compare(
        runs.open_run(str(several_project), several_project), runs.open_run(str(without), without)
    )
    assert found.recordings.removed == ("hospital:101_1b1_Tc_sc_Meditron",)
    assert found.cycles.removed == ("hospital:101_1b1_Tc_sc_Meditron_000",)
    assert found.source.changed["hospital.recordings"] == [2, 1]
    assert found.predictions.only_old == 6
    assert all(key.startswith("external.hospital.") for key in found.figures.changed)
    assert found.figures.changed


def test_the_manifest_names_corpus_and_role(several_project):
    found = manifest.manifest(several_project)
    roles = {name: about["role"] for name, about in found["corpora"].items()}
    assert roles == {"icbhi": "training", "second": "training", "hospital": "external"}
    assert found["corpora"]["hospital"]["archive"]["name"] == "hospital.zip"
    lines = manifest.as_csv(found).splitlines()
    assert len(lines) == 1 + 7 + 3 + 2
    assert lines[-1].endswith(f"hospital,external,{'5' * 64}")


def test_the_model_card_counts_what_it_learned_from_and_was_tested_on(made):
    text = model_card.card(made)
    assert "| learned from | second: An own corpus `second` (3 recordings) | 1 | 1 | 2 |" in text
    assert "| tested on, external | hospital: An own corpus `hospital` (2 recordings) | 2 | 2 | 3 |" in text
    assert "### External corpus hospital: An own corpus in ICBHI's format" in text
    assert "Recordings of hospital, only tested on: The terms of use of the recordings are unknown" in text
    figure = json.loads((made.root / "reports/metrics.json").read_text())["external"]["hospital"]
    assert f"| val | ICBHI Score (strict) | {figure['student']['val']['score_strict']['mean']:.2f} |" in text


def test_the_data_card_keeps_external_corpora_apart(made):
    learned, _, rest = data_card.card(made).partition("## External test data")
    assert "### second: An own corpus in ICBHI's format" in learned
    assert "Archive `second.zip`" in learned
    assert "hospital" not in learned
    assert "### hospital: An own corpus in ICBHI's format" in rest
    assert "2 recordings of 2 patients, 3 cycles." in rest


def test_each_corpus_has_its_croissant_descriptions(made, tmp_path):
    found = croissant.files(Request(made, tmp_path))
    corpora = ("icbhi", "second", "hospital")
    names = {f"fbank_{corpus}_{front_end}" for corpus in corpora for front_end in ("ast", "panns")}
    assert set(found) == {f"{name}.croissant.json" for name in names | {f"cycles_{corpus}" for corpus in corpora}}
    external = json.loads(found["cycles_hospital.croissant.json"])
    assert external["description"].endswith("Test data only: no model has learned from them.")
    assert {file["@id"].split("/")[1] for file in external["distribution"]} == {"external"}


def test_models_depend_on_the_corpora_that_they_learned_from(made):
    bill = cyclonedx.bill(made)
    bills.validate(bill)
    data = {one["bom-ref"]: one for one in bill["components"] if one["type"] == "data"}
    roles = {ref: {p["name"]: p["value"] for p in one["properties"]}["breathline:role"] for ref, one in data.items()}
    assert roles == {"data/icbhi": "training", "data/second": "training", "data/hospital": "external"}
    (model, *_) = [one for one in bill["dependencies"] if one["ref"].startswith("model/")]
    assert {ref for ref in model["dependsOn"] if ref.startswith("data/")} == {"data/icbhi", "data/second"}
    card = next(one["modelCard"] for one in bill["components"] if one["bom-ref"] == model["ref"])
    slices = {figure.get("slice") for figure in card["quantitativeAnalysis"]["performanceMetrics"]}
    assert {"corpus second", "external corpus hospital"} <= slices


def test_exports_name_the_role_of_the_recordings(made):
    dependencies = in_toto.statement(made)["predicate"]["buildDefinition"]["resolvedDependencies"]
    archives = {one["name"]: one["annotations"] for one in dependencies if one["name"].endswith(".zip")}
    assert {name: about["role"] for name, about in archives.items()} == {
        "small.zip": "training", "second.zip": "training", "hospital.zip": "external"
    }  # fmt: skip
    events = {event["job"]["name"]: event for event in openlineage.events(made) if event["eventType"] == "COMPLETE"}
    (raw,) = events["download_external@hospital"]["outputs"]
    assert raw["facets"]["breathline_corpus"]["role"] == "external"
    assert {one["name"] for one in events["pool"]["inputs"]} >= {"data/extracted/second/cycles.parquet"}
    entities = prov.document(made)["entity"].values()
    labels = {one["prov:label"]: one for one in entities}
    assert labels["data/raw/icbhi"]["bl:citation"].startswith("B. M. Rocha")


def test_a_user_file_is_listed_by_a_name_that_patients_of_two_corpora_share(copied):
    known = fingerprint.take(runs.open_run(".", copied), "101", "hospital")
    searched, _ = search.searcher(copied, "101", known)
    (copied / "notes.txt").write_text("101_1b1_Tc_sc_Meditron")
    found = stores.search(copied, searched, search.outs(copied))
    (copied / "notes.txt").unlink()
    assert "notes.txt" in {file.path for file in found.files}
    assert found.copies == ()
