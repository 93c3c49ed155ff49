"""Origin of the figures of a run, and the models that were evaluated on one test set."""

import shutil
from pathlib import Path

import pytest

from lineage import events, graph, record, recorder, run_origin, test_use
from tasks.runtime.files import write_json
from tests.pipeline import tampering as do


@pytest.fixture
def root(small_project: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_project, tmp_path / "project")


def read(root):
    return run_origin.read(root, graph.read(root))


def evaluate_again(root, weights=None):
    """Record another run of `evaluate`, with other weights of the first student if they are given."""
    if weights is not None:
        (root / "data/student/1/val.safetensors").write_bytes(weights)
    decided = record.read(root, "evaluate")["decisions"]
    with recorder.recorded(root, "evaluate", decided):
        pass


def test_time_commit_and_corpora_are_those_of_the_record_of_evaluate(root):
    found, recorded = read(root), record.read(root, "evaluate")
    ends = [entry for entry in events.read(root) if entry.get("stage") == "evaluate" and events.is_success(entry)]
    assert found["evaluated_at"] == ends[-1]["at"]
    events.append(root, {key: ends[-1][key] for key in ("event", "stage", "status", "record")} | {"at": "later"})
    assert read(root)["evaluated_at"] == ends[-1]["at"], "an equal run again changes nothing on the page"
    assert found["commit"] == (recorded["git"] or {}).get("commit")
    source = record.read(root, "download@icbhi")["outputs"][0]["sha256"]
    assert found["corpora"] == [{"name": "icbhi", "role": "training", "sha256": source}]


def test_models_on_the_test_set_are_counted_once_each(root):
    (root / events.LOG).rename(root / "log")
    own = {"students": 2, "teachers": 3, "evaluations": 1}
    assert read(root)["test_use"] == own | {"unknown": 0}, "the models of the page count, as after dvc pull"
    (root / "log").rename(root / events.LOG)
    do.rewrite_log(root, lambda entry: {key: value for key, value in entry.items() if key != "evaluated"})
    evaluate_again(root)
    first = read(root)["test_use"]
    # The entry of the first run does not name its test set, as before entries did.
    assert first == own | {"unknown": 1}
    evaluate_again(root)
    assert read(root)["test_use"] == first, "the same models again are no new ones"
    safe = (root / "data/student/1/val.safetensors").read_bytes()
    evaluate_again(root, safe[:-1] + b"@")
    assert read(root)["test_use"] == first | {"students": first["students"] + 1, "evaluations": 2}
    # A run in a workspace counts, too; one on other cycles does not.
    workspace = root / ".leaderboard/mn_sam"
    entry = {"event": "end", "stage": "evaluate", "status": "done", "record": "r"}
    used = test_use.of_record(record.read(root, "evaluate"))
    events.append(workspace, entry | {"evaluated": used | {"students": ["a", "b"]}})
    events.append(workspace, entry | {"evaluated": {"test_set": "other", "students": ["c"], "teachers": []}})
    expected = {"students": first["students"] + 3, "evaluations": 3}
    assert read(root)["test_use"] == first | expected


def test_seeds_that_were_started_and_are_in_no_figure_are_named(root):
    assert read(root)["seeds_left_out"] == []
    for seed in (12, 3, 12):
        events.append(root, {"event": "start", "stage": f"train_student@{seed}", "at": events.now()})
    assert read(root)["seeds_left_out"] == ["3", "12"]


def test_missing_and_damaged_records_and_logs_leave_facts_out(root):
    (root / events.LOG).write_text("{torn\n{}\n")
    found = read(root)
    assert (found["evaluated_at"], found["missing"]) == (None, None)
    path = root / record.path_of("evaluate")
    old = record.read(root, "evaluate")
    write_json(path, old | {"decisions": {}, "git": None})
    assert (read(root)["test_use"], read(root)["commit"]) == (None, None)
    for damage in (lambda: path.write_text("{"), path.unlink):
        damage()
        assert read(root)["missing"] == run_origin.NO_RECORD
