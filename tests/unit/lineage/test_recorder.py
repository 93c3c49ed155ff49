"""Events and record of a stage, and runs adopted from the logs of workspaces."""

import json
import re
import shutil
from pathlib import Path

import pytest

from lineage import adoption, error_texts, events, record, record_writing, recorder
from lineage.verify import verification
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256
from tests.unit.lineage import small


@pytest.fixture
def root(small_project: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_project, tmp_path / "project")


def test_the_record_holds_the_state_at_the_start_of_the_stage(root):
    before = len(events.read(root))
    decided = json.loads((root / record.path_of("evaluate")).read_text())["decisions"]
    module = root / "tasks/evaluate.py"
    ran = sha256(module)
    with recorder.recorded(root, "evaluate", decided):
        module.write_text(module.read_text() + "# edited while it runs\n")
        given = (root / "params.yaml").read_text()
        (root / "params.yaml").write_text(given.replace("resamples: ", "resamples: 9"))
    assert (root / "params.yaml").read_text() != given
    found = json.loads((root / record.path_of("evaluate")).read_text())
    assert {file["path"]: file["sha256"] for file in found["code"]}["tasks/evaluate.py"] == ran
    assert found["params"]["evaluation"]["resamples"] == 50
    start, end = events.read(root)[before:]
    assert (start["event"], end["event"], end["status"]) == ("start", "end", "done")
    assert (end["start"], end["pid"]) == (start["hash"], start["pid"])
    assert end["record"] == sha256(root / record.path_of("evaluate"))
    assert 0 < end["recording_seconds"] <= end["seconds"]


def test_a_failed_stage_logs_its_error_and_writes_no_record(root):
    there = sha256(root / record.path_of("evaluate"))
    with pytest.raises(RuntimeError, match="no memory"), recorder.recorded(root, "evaluate", {}):
        raise RuntimeError("no memory")
    end = events.read(root)[-1]
    assert (end["status"], end["error"]) == ("failed", "RuntimeError")
    # The text is in a file of its own, which can be removed without a trace in the log.
    assert error_texts.read(root, end) == "RuntimeError: no memory"
    assert "no memory" not in (root / events.LOG).read_text()
    (path,) = (root / error_texts.FOLDER).iterdir()
    assert sha256(path) == end["error_text"]
    path.write_text("0" * 64 + "\nenough memory")
    assert error_texts.read(root, end) == f"RuntimeError (the file of its text was changed: {path.relative_to(root)})"
    path.unlink()
    assert error_texts.read(root, end) == "RuntimeError (its text was removed, or is on another machine)"
    assert events.check(root) == []
    assert error_texts.read(root, {"error": "OSError: of an earlier version"}) == "OSError: of an earlier version"
    assert sha256(root / record.path_of("evaluate")) == there
    assert events.check(root) == []


def test_a_text_that_cannot_be_written_does_not_lose_the_end_of_a_failed_stage(root):
    (root / error_texts.FOLDER).write_text("a file in the place of the folder")
    with pytest.raises(RuntimeError, match="no memory"), recorder.recorded(root, "evaluate", {}):
        raise RuntimeError("no memory")
    end = events.read(root)[-1]
    assert (end["event"], end["status"], error_texts.read(root, end)) == ("end", "failed", "RuntimeError")


def test_an_unknown_stage_is_an_error(root):
    before = events.read(root)
    with (
        pytest.raises(BreathlineError, match="has no stage train_student@9"),
        recorder.recorded(root, "train_student@9", {}),
    ):
        pass
    assert events.read(root) == before


@pytest.mark.parametrize(("kind", "next_step"), [("inputs", "dvc repro evaluate"), ("code", "git checkout -- PATH")])
def test_a_stage_whose_dep_is_missing_does_not_begin(root, kind, next_step):
    before, (dep, *_) = events.read(root), getattr(record_writing.begin(root, "evaluate").spec, kind)
    (root / dep).rename(root / "elsewhere")
    message = f"1 dep of the stage evaluate is missing: {dep}"
    with pytest.raises(BreathlineError, match=re.escape(message)) as caught, recorder.recorded(root, "evaluate", {}):
        pytest.fail("the work began")
    assert next_step in caught.value.hint
    assert events.read(root) == before


@pytest.fixture
def moved(root: Path) -> Path:
    """Return a project whose runs are in the log of a workspace."""
    workspace = root / ".leaderboard" / "mn_sam"
    workspace.mkdir(parents=True)
    shutil.move(root / ".lineage", workspace / ".lineage")
    return root


def test_a_run_of_a_workspace_is_adopted_once(moved):
    for _ in range(2):
        adoption.adopt_from_workspaces(moved, "report")
    begun, start, end = events.read(moved)
    assert (begun["event"], begun["records"]) == ("begun", len(list((moved / "data/lineage").iterdir())) - 1)
    assert (start["event"], end["event"], end["start"]) == ("start", "end", start["hash"])
    assert end["record"] == sha256(moved / record.path_of("report"))
    there = events.read(moved / ".leaderboard" / "mn_sam")
    assert [start["adopted"]["hash"], end["adopted"]["hash"]] == [entry["hash"] for entry in there[-2:]]
    assert events.check(moved) == []


def test_a_broken_log_is_not_adopted_from(moved):
    log = moved / ".leaderboard" / "mn_sam" / events.LOG
    lines = log.read_text().splitlines()
    log.write_text("\n".join([json.dumps(json.loads(lines[0]) | {"user": "eve"}), *lines[1:]]) + "\n")
    adoption.adopt_from_workspaces(moved, "report")
    assert events.read(moved) == []


@pytest.mark.slow
def test_a_record_of_a_workspace_is_a_note_once_dvc_lock_names_it(moved):
    adoption.adopt_from_workspaces(moved, "download@icbhi")
    found = [finding for finding in verification.verify(moved).findings if finding.kind.startswith("record-")]
    assert {(finding.kind, finding.severity) for finding in found} == {("record-changed", "error")}
    small.lock(moved)  # only what dvc.lock names, too, is believed to have come from there
    found = [finding for finding in verification.verify(moved).findings if finding.kind.startswith("record-")]
    assert {(finding.kind, finding.severity) for finding in found} == {("record-elsewhere", "note")}
    assert str(record.path_of("download@icbhi")) not in [finding.where for finding in found]


def test_a_graph_without_records_adopts_nothing(tmp_path):
    adoption.adopt_from_workspaces(tmp_path, "first")
    assert events.read(tmp_path) == []
