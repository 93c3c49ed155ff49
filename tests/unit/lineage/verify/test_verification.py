"""Verification of the small project; tests/pipeline/test_tampering.py verifies a real run."""

import io
import shutil

import pytest
from rich.console import Console

from lineage.verify import text, verification
from lineage.verify.findings import Finding, Report
from tasks.runtime.errors import BreathlineError
from tests.unit.lineage.small import edit
from tests.unit.lineage.verify.changes import AFTER_TEACHERS, edit_yaml


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
    (project / "requirements.lock").write_bytes("# Größe\n".encode("latin-1"))
    graph = project / "dvc.yaml"
    graph.write_text(graph.read_text().replace("python -m cli.stage soft_labels", "python -O -m cli.stage soft_labels"))
    report = verification.verify(project)
    changed = {f"{what}-changed" for what in ("graph", "params", "module", "environment")}
    assert {one.kind for one in report.outdated} == changed | {"module-missing", "module-added"}
    assert report.damage == []
    edit(project / "data/teachers/t2/model.json", lambda card: card.update(seed=99))
    assert {one.kind for one in verification.verify(project).damage} == {"out-changed", "model-swapped"}
