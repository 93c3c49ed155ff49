"""Verification of the small project; tests/pipeline/test_tampering.py verifies a real run."""

import io
import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console
from ruamel.yaml import YAML

from lineage import adoption, events, lock_history
from lineage.verify import text, verification
from lineage.verify.findings import Finding, Report
from tasks.runtime.errors import BreathlineError
from tests.unit.lineage import small
from tests.unit.lineage.small import edit

AFTER_TEACHERS = ("soft_labels", "train_student@1", "train_student@2", "evaluate", "explain", "export", "report")


@pytest.fixture
def project(small_run, tmp_path):
    return shutil.copytree(small_run, tmp_path / "project", symlinks=True)


def edit_yaml(path, change):
    loaded = YAML(typ="safe").load(path)
    change(loaded)
    with path.open("w") as file:
        YAML(typ="safe").dump(loaded, file)


def copy_of(project: Path, path: str) -> Path:
    """Return the object of a file in the cache."""
    content = (project / path).read_bytes()
    return next(one for one in (project / ".dvc/cache/files/md5").glob("??/*") if one.read_bytes() == content)


def shown(report, **options):
    console = Console(file=io.StringIO(), width=120)
    text.show(report, console, **({"everything": False} | options))
    return console.file.getvalue()


@pytest.mark.slow
def test_an_intact_project_has_no_findings(small_run):
    report = verification.verify(small_run)
    assert report.findings == []
    assert "Verified" in shown(report)


@pytest.mark.slow
def test_a_finding_has_place_difference_and_downstream_stages(project):
    edit(project / "data/teachers/t2/model.json", lambda card: card.update(seed=99))
    report = verification.verify(project)
    assert [one.kind for one in report.errors] == ["out-changed", "model-swapped"]
    assert {one.where for one in report.errors} == {"data/teachers/t2/model.json"}
    assert report.errors[0].what.endswith("seed: 12 → 99")
    assert report.errors[0].downstream == AFTER_TEACHERS
    printed = shown(report)
    assert "Not verified: 2 differences, 8 stages affected" in printed
    assert "train_student (2)" in printed


@pytest.mark.slow
def test_decisions_that_the_tables_do_not_give_are_an_error(project):
    def move(found):
        subsets = found["decisions"]["subsets"]
        subsets["train"].append(subsets["test"].pop())

    edit(project / "data/lineage/train_student@1.json", move)
    found = {one.kind: one for one in verification.verify(project).errors}
    assert set(found) == {"record-changed", "split-contradicts"}
    assert "train 5 → 5, 1 others" in found["split-contradicts"].what
    edit(project / "data/lineage/evaluate.json", lambda record: record.pop("decisions"))
    found = {one.kind: one for one in verification.verify(project).errors}
    assert "`decisions` is missing" in found["record-unreadable"].what


def test_single_counts_are_in_the_singular():
    error = Finding(kind="out-changed", where="data/x", what="other", stages=("extract",))
    note = Finding(kind="git-dirty", where=".", what="a change", severity="note")
    told = shown(Report(findings=[error], checks={}, files=1, bytes=0))
    assert "1 difference, 1 stage affected (1 file, 0 MB" in told
    assert "; 1 note" in shown(Report(findings=[note], checks={}, files=1, bytes=0))


def append_run(project, stage, record, **start):
    """Append start and end of a run that made a record."""
    started = events.append(project, {"event": "start", "stage": stage, **start})
    events.append(project, {"event": "end", "stage": stage, "start": started, "status": "done", "record": record})


@pytest.mark.slow
def test_a_failed_check_is_an_error(project):
    (project / "data/evaluation/predictions.parquet").write_bytes(b"PAR1 no table PAR1")
    found = {one.kind: one for one in verification.verify(project).errors}
    assert set(found) == {"out-changed", "unchecked"}
    assert found["unchecked"].where in ("predictions", "metrics")


@pytest.mark.slow
def test_a_removed_flag_of_a_degenerate_model_is_an_error(project):
    edit(
        project / "reports/metrics.json", lambda found: found["teachers"]["t1"]["val"].update(degenerate="never normal")
    )
    found = {(one.kind, one.where): one for one in verification.verify(project).errors}
    wrong = found["metric-contradicts", "reports/metrics.json: teachers.t1.val.degenerate"]
    assert wrong.what == "it says never normal; the predictions give None"


@pytest.mark.slow
def test_a_repeated_run_with_equal_outs_is_no_finding(project):
    last = [entry for entry in events.read(project) if entry["event"] == "end"][-1]
    append_run(project, last["stage"], last["record"])
    assert verification.verify(project).findings == []


@pytest.mark.slow
def test_a_report_made_again_differs_in_its_provenance_without_a_finding(project):
    """The cache has the record of an earlier page: other bytes, and the content of the present one or another."""
    path = project / "data/lineage/report.json"
    kept, page = project / ".dvc/cache/files/md5/00/earlier", project / "reports/report.html"
    kept.parent.mkdir(exist_ok=True)
    page.write_text(page.read_text().replace(">1<", ">2<"))
    current = json.loads(path.read_text())
    current["outputs"][0]["sha256"] = small.sha256(page)
    same = current["outputs"][0]["content"]
    for content, kinds in ((same, set()), ("other", {"run-repeated"})):
        current["outputs"][0]["content"] = same
        earlier = json.loads(json.dumps(current))
        earlier["outputs"][0] |= {"sha256": "0" * 64, "content": content}
        for place, record in ((kept, earlier), (path, current)):
            place.write_text(json.dumps(record))
            append_run(project, "report", small.sha256(place))
        found = {one.kind for one in verification.verify(project).errors}
        assert found & {"run-repeated"} == kinds


@pytest.mark.slow
@pytest.mark.parametrize(
    ("deterministic", "cpu", "numpy", "told"),
    [
        (True, "a", "same", "(on the same hardware)"),
        pytest.param(True, "b", "same", "(on other hardware)", marks=pytest.mark.long),
        pytest.param(False, "a", "same", "(without a promise of determinism)", marks=pytest.mark.long),
        (True, "a", "0.1", "(with other packages)"),
    ],
)
def test_different_outs_of_equal_inputs_break_a_promise_of_determinism(project, deterministic, cpu, numpy, told):
    """The cache has an earlier record, of other weights on CPU a."""
    path = project / "data/lineage/train_student@1.json"
    current = json.loads(path.read_text())
    current["params"]["compute"]["deterministic"] = deterministic
    earlier = json.loads(json.dumps(current))
    earlier["outputs"][0]["files"][0]["sha256"] = "0" * 64
    if numpy != "same":
        earlier["environment"]["packages"]["numpy"] = numpy
    (project / ".dvc/cache/files/md5/00").mkdir(exist_ok=True)
    kept = project / ".dvc/cache/files/md5/00/earlier"
    for place, record, on in ((kept, earlier, "a"), (path, current, cpu)):
        place.write_text(json.dumps(record))
        append_run(project, "train_student@1", small.sha256(place), cpu=on, gpus=[])
    for elsewhere in (False, True):
        report = verification.verify(project, elsewhere=elsewhere)
        (found,) = [one for one in report.findings if one.kind == "run-repeated"]
        assert found.where == "train_student@1"
        assert f"{told}: data/student/1/history.csv" in found.what
        assert found.severity == ("error" if "same" in told and not elsewhere else "note")


@pytest.mark.slow
def test_evidence_that_was_not_read_is_a_note(project, monkeypatch):
    (project / ".dvc/config.local").write_text("['remote \"far\"']\n    url = s3://bucket/store\n")
    monkeypatch.setattr(lock_history, "LIMIT", 0)
    report = verification.verify(project)
    assert {one.kind for one in report.findings} == {"witness-unasked"}
    assert [one.where for one in report.notes] == ["remote far", "dvc.lock in Git"]
    assert "s3://bucket/store cannot be read" in report.notes[0].what


@pytest.mark.slow
def test_a_run_whose_record_is_lost_is_noted(project):
    append_run(project, "evaluate", "0" * 64)
    number = len(events.read(project))
    report = verification.verify(project)
    assert report.errors == []
    told = {one.kind: one for one in report.notes}
    assert set(told) == {"runs-unknown", "record-earlier"}
    assert f"entry {number}" in told["record-earlier"].what


@pytest.mark.slow
def test_a_torn_line_of_the_event_log_is_a_note_before_and_after_its_repair(project):
    with (project / events.LOG).open("a") as log:
        log.write('{"at":"2026')
    for what in ("the last line is torn (11 bytes)", "a torn line of 11 bytes was moved to .lineage/torn-"):
        report = verification.verify(project)
        assert report.errors == []
        assert [(one.kind, what in one.what) for one in report.notes] == [("log-repaired", True)]
        adoption.adopt(project, "evaluate", (project / events.LOG).read_text())


def test_a_project_without_runs_is_an_error(project):
    for name in ("data", ".lineage"):
        shutil.rmtree(project / name)
    (project / "dvc.lock").unlink()
    with pytest.raises(BreathlineError, match="Nothing has run"):
        verification.verify(project)


@pytest.mark.slow
def test_the_text_shows_ten_findings_of_a_kind(project):
    for path in sorted((project / "data/raw").rglob("*.*"))[:14]:
        path.write_bytes(b"other")
    report = verification.verify(project)
    count = len([one for one in report.errors if one.kind == "out-changed"])
    assert f"{count - 10} more of the kind out-changed" in shown(report)
    assert "more of the kind" not in shown(report, everything=True)


@pytest.mark.slow
def test_outdated_code_is_distinguished_from_damage(project):
    edit_yaml(project / "params.yaml", lambda values: values["student"]["optimizer"].update(lr=0.5))
    (project / "tasks/distillation/soft_labels.py").write_text("# rewritten\n")
    (project / "tasks/corpora/extraction.py").unlink()
    (project / "models/networks/other.py").touch()
    (project / "requirements.lock").write_text("")
    graph = project / "dvc.yaml"
    graph.write_text(graph.read_text().replace("python -m cli.stage soft_labels", "python -O -m cli.stage soft_labels"))
    report = verification.verify(project)
    changed = {f"{what}-changed" for what in ("graph", "params", "module", "environment")}
    assert {one.kind for one in report.outdated} == changed | {"module-missing", "module-added"}
    assert report.damage == []
    edit(project / "data/teachers/t2/model.json", lambda card: card.update(seed=99))
    assert {one.kind for one in verification.verify(project).damage} == {"out-changed", "model-swapped"}


@pytest.mark.slow
def test_a_missing_out_says_where_the_original_is(project):
    lost, kept, small_report = "data/teachers/t3", "data/soft_labels/soft_labels.parquet", "reports/plots/roc.csv"
    copy_of(project, f"{lost}/model.json").unlink()
    shutil.rmtree(project / lost)
    (project / kept).unlink()
    (project / small_report).unlink()
    told = {one.where: one.what for one in verification.verify(project).errors if one.kind == "out-missing"}
    assert "nothing here can bring back what train_teacher@t3 made" in told[lost]
    assert told[kept].endswith("DVC's cache has what soft_labels made")
    assert told[small_report].endswith("Git has what evaluate made")


@pytest.mark.slow
def test_an_object_missing_from_the_cache_is_noted_with_its_stage(project):
    copy_of(project, "data/teachers/t3/model.json").unlink()
    (found,) = verification.verify(project).findings
    assert (found.kind, found.severity, found.stages) == ("cache-missing", "note", ("train_teacher@t3",))
    assert found.downstream == AFTER_TEACHERS


@pytest.mark.slow
def test_an_object_of_a_former_stage_may_be_missing_but_not_broken(project):
    first, other = (copy_of(project, f"data/teachers/t3/{name}") for name in ("model.json", "val.safetensors"))
    edit_yaml(project / "params.yaml", lambda values: values["teachers"].pop("t3"))  # its outs stay
    other.unlink()
    kinds = {one.kind for one in verification.verify(project).findings}
    assert kinds.isdisjoint({"cache-changed", "cache-missing"})
    first.chmod(0o644)
    first.write_bytes(b"{}")
    (found,) = verification.verify(project).damage
    assert (found.kind, found.stages) == ("cache-changed", ("train_teacher@t3",))
    assert "data/teachers/t3/model.json" in found.what


@pytest.mark.slow
def test_a_shared_object_belongs_to_the_present_stage(project):
    def rename(lock):
        lock["stages"]["train_teacher@old"] = lock["stages"]["train_teacher@t3"]

    edit_yaml(project / "dvc.lock", rename)
    copy_of(project, "data/teachers/t3/model.json").unlink()
    assert "cache-missing" in {one.kind for one in verification.verify(project).notes}


@pytest.mark.slow
def test_an_out_without_record_is_compared_with_dvc_lock(project):
    shutil.rmtree(project / "data/lineage")
    assert {one.kind for one in verification.verify(project).errors} == {"record-missing"}
    (project / "data/teachers/t3/model.json").write_text("{}")
    (project / "reports/report.html").unlink()
    found = [one for one in verification.verify(project).errors if one.kind != "record-missing"]
    assert [(one.kind, one.where, one.stages) for one in found] == [
        ("out-changed", "data/teachers/t3", ("train_teacher@t3",)),
        ("out-missing", "reports/report.html", ("report",)),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["deps", pytest.param("outs", marks=pytest.mark.long)])
def test_a_path_in_only_dvc_lock_or_only_the_record_is_an_error(project, kind):
    entry = {"path": "data/other", "hash": "md5", "md5": "0" * 32, "size": 1}
    edit_yaml(project / "dvc.lock", lambda lock: lock["stages"]["evaluate"][kind].append(entry))
    (found,) = verification.verify(project).errors
    assert (found.kind, found.stages) == ("lock-changed", ("evaluate",))
    assert found.what == f"the {kind} of evaluate are not those of its record: data/other"
    edit_yaml(project / "dvc.lock", lambda lock: lock["stages"]["evaluate"][kind].clear())
    assert {one.kind for one in verification.verify(project).errors} >= {"lock-changed"}
