"""Events and record of a stage."""

import json
import shutil
from pathlib import Path

import pytest

from lineage import events, record, recorder
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256


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
    assert end["start"] == start["hash"]
    assert end["record"] == sha256(root / record.path_of("evaluate"))
    assert 0 < end["recording_seconds"] <= end["seconds"]


def test_a_failed_stage_logs_its_error_and_writes_no_record(root):
    there = sha256(root / record.path_of("evaluate"))
    with pytest.raises(RuntimeError, match="no memory"), recorder.recorded(root, "evaluate", {}):
        raise RuntimeError("no memory")
    end = events.read(root)[-1]
    assert (end["status"], end["error"]) == ("failed", "RuntimeError: no memory")
    assert sha256(root / record.path_of("evaluate")) == there
    assert events.check(root) == []


def test_an_unknown_stage_is_an_error(root):
    before = events.read(root)
    with (
        pytest.raises(BreathlineError, match="has no stage train_student@9"),
        recorder.recorded(root, "train_student@9", {}),
    ):
        pass
    assert events.read(root) == before
