"""Names of stages, models and artifacts, and the inputs of a chain of stages."""

import pytest

from lineage.reproduction import comparison, targets
from lineage.reproduction.recorded_run import RecordedRun
from lineage.verify.audited_project import AuditedProject
from tasks.runtime.errors import BreathlineError

CHAIN = ["soft_labels", *(f"train_teacher@t{number}" for number in (1, 2, 3)), "train_student@1", "train_student@2"]


@pytest.mark.parametrize(
    ("what", "stages"),
    [
        ("evaluate", ["evaluate"]),
        ("student/2", ["train_student@2"]),
        ("teacher/t1", ["train_teacher@t1"]),
        ("data/teachers/t1", ["train_teacher@t1"]),
        ("data/student", ["train_student@1", "train_student@2"]),
        ("student", ["train_student@1", "train_student@2", "export"]),
        ("reports/metrics.json", ["evaluate"]),
        ("score", [*CHAIN, "evaluate"]),
    ],
)
def test_a_question_names_its_stages(small_project, what, stages):
    with targets.find(AuditedProject(small_project), what) as runs:
        assert sorted(run.stage for run in runs) == sorted(stages)


@pytest.mark.parametrize(
    ("what", "words"), [("train_student@3", "did you mean train_student@"), ("data/none", "No stage makes `data/none`")]
)
def test_an_unknown_name_is_refused_with_what_is_close(small_project, what, words):
    with pytest.raises(BreathlineError) as caught, targets.find(AuditedProject(small_project), what):
        pass
    assert words in str(caught.value)


def test_an_input_that_its_maker_did_not_make_breaks_a_chain(small_project):
    audited = AuditedProject(small_project)
    records = audited.project.records
    run = RecordedRun(audited, small_project, "soft_labels", records["soft_labels"])
    assert list(comparison.inputs(run, records)) == []
    (entry,) = (one for one in records["train_teacher@t1"]["outputs"] if "files" in one)
    entry["files"][0]["sha256"] = "0" * 64
    (found,) = comparison.inputs(run, records)
    assert "soft_labels read another version than train_teacher@t1 made" in found.what
