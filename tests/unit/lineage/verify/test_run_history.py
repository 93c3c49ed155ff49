"""Verification of runs that the event log names: repeated, lost and torn entries, and unread evidence."""

import json

import pytest

from lineage import adoption, events, lock_history
from lineage.verify import verification
from tests.unit.lineage import small


def append_run(project, stage, record, **start):
    """Append start and end of a run that made a record."""
    started = events.append(project, {"event": "start", "stage": stage, **start})
    events.append(project, {"event": "end", "stage": stage, "start": started, "status": "done", "record": record})


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
        (True, "a, family 1", "same", "(on the same hardware)"),  # the earlier entry lacks the kind
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
