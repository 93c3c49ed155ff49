"""Leaderboard, audit, backfill and new data on toy projects, with a real Prefect server, DVC and processes."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest

from tasks.errors import BreathlineError
from tests import toy
from tests.pipeline import tampering as do
from tests.pipeline.commands import breathline, finish

# A run of a toy's few stages takes 5 to 15 s (each starts DVC), and these tests make several.
pytestmark = pytest.mark.slow

SCORE = """\
mkdir -p reports
printf '{"val": {"student": {"score_strict": %s}}}' "$1" > reports/scores.json
"""


@pytest.fixture(autouse=True)
def _(server):
    """Let flows that are called here use this session's server, too."""


def commit(folder: Path, tag: str) -> None:
    toy.call(folder, "git", "add", ".")
    toy.call(folder, "git", "commit", "--quiet", "-m", tag)
    toy.call(folder, "git", "tag", tag)


def artifact(key: str) -> Any:
    from prefect.artifacts import Artifact

    return Artifact.get(key)


def test_the_audit_fails_on_damage_and_not_on_a_project_that_has_moved_on(project):
    from flows.nightly_audit import nightly_audit

    do.text(project / "tasks/soft_targets.py", "axis=0", "axis=-3")
    do.parameters(project, lambda read: read["student"]["optimizer"].update(lr=0.5))
    state = nightly_audit(project=project, return_state=True)
    assert state.is_completed()
    assert state.message.startswith("All as recorded")
    assert "2 changes since the run" in state.message
    assert "| `module-changed` | `tasks/soft_targets.py` |" in artifact("audit").data

    do.flip(do.first(project))
    state = nightly_audit(project=project, return_state=True)
    assert state.is_failed()
    assert state.message.startswith("Not as recorded in 2 places (out-changed, recording-contradicts)")
    told = artifact("audit").data
    assert told.index("`out-changed`") < told.index("### Changed since the run") < told.index("`module-changed`")
    assert "`train_student@1`, `evaluate` |" in told


def test_the_audit_in_depth_tells_what_it_computed_and_how_to_do_so_again(project):
    from flows.nightly_audit import nightly_audit

    state = nightly_audit(deep=True, sample=2, project=project, return_state=True)
    assert state.is_completed(), state.message
    told = artifact("audit").data
    assert "| `computed-anew` | `fbank@ast` |" in told
    assert "`breathline audit verify --deep --sample 2 --seed " in told


def test_the_audit_waits_for_no_run_and_needs_one_that_has_ended(tmp_path):
    from flows.execute import only_run
    from flows.nightly_audit import nightly_audit

    folder = toy.make(tmp_path)
    with pytest.raises(BreathlineError, match="Nothing has run here"):
        nightly_audit(project=folder)
    with only_run(folder), pytest.raises(BreathlineError, match="at work in this project"):
        nightly_audit(project=folder)


ENDLESS = """\
stages:
  endless:
    cmd: echo $$ > PID && sleep 300 && echo > out
    params: [rho]
    outs: [out]
"""


def test_no_stage_of_a_workspace_outlives_the_flow(tmp_path, server):
    folder = toy.make(tmp_path / "project", ENDLESS.replace("PID", str(tmp_path / "pid")))
    process = breathline(folder, server, "backfill", "--param", "rho=0.1")
    while not ((pid := tmp_path / "pid").exists() and pid.read_text().strip()):
        assert process.poll() is None, finish(process)
        time.sleep(0.1)
    stage = psutil.Process(int(pid.read_text()))
    process.send_signal(signal.SIGTERM)
    status, printed = finish(process)
    assert status != 0, printed
    assert psutil.wait_procs([stage], timeout=20)[1] == []


# `base` is the same at every revision and value; the commit v2 breaks `score`.
BACKFILL = """\
stages:
  base:
    cmd: echo base >> COUNT && echo > base.txt
    deps: [base.in]
    outs: [base.txt]
  score:
    cmd: test "$(cat src.txt)" != v2 && sh score.sh ${rho}
    deps: [src.txt, base.txt]
    params: [rho]
    metrics:
      - reports/scores.json: {cache: false}
"""


def test_a_backfill_runs_each_case_on_one_cache_and_a_failure_spoils_no_other(tmp_path):
    from flows.backfill import backfill

    folder = toy.make(tmp_path / "project", BACKFILL.replace("COUNT", str(tmp_path / "count")))
    (folder / "base.in").write_text("base\n")
    (folder / "score.sh").write_text(SCORE)
    for tag in ("v1", "v2"):
        (folder / "src.txt").write_text(f"{tag}\n")
        commit(folder, tag)
    (folder / "src.txt").write_text("the working tree\n")

    state = backfill(revisions=["v1", "v2"], values={"rho": [0.1, 0.2]}, jobs=2, project=folder, return_state=True)
    assert state.is_failed()
    assert [part.split()[0] for part in state.message.removeprefix("Failed: ").split("; ")] == ["v2", "v2"]
    rows = json.loads(artifact("backfill").data)
    assert [(row["case"].split()[0], row["student score_strict"]) for row in rows] == [("v1", 0.1), ("v1", 0.2)]
    assert (tmp_path / "count").read_text() == "base\n"
    assert (folder / "src.txt").read_text() == "the working tree\n"
    assert toy.call(folder, "git", "worktree", "list").count("\n") == 1

    assert backfill(revisions=["v1"], values={"rho": [0.1]}, project=folder, return_state=True).is_completed()
    assert (tmp_path / "count").read_text() == "base\n"


LEADERBOARD = """\
stages:
  train_teacher:
    foreach: ${teachers}
    do:
      cmd: echo ${key} >> COUNT && mkdir -p data/teachers/${key} && echo > data/teachers/${key}/model
      params: ["teachers.${key}"]
      outs: ["data/teachers/${key}"]
  evaluate:
    cmd: mkdir -p data/evaluation reports && cp predicted data/evaluation/predictions.parquet
      && cp metrics reports/metrics.json
    deps: [predicted, metrics, data/teachers]
    params: [student]
    outs: [data/evaluation/predictions.parquet]
    metrics:
      - reports/metrics.json: {cache: false}
"""
LEADERBOARD_PARAMS = """\
download: {source: demo, path: null}
selections: [val]
frontends: {mel: {}}
weights: {none: {}}
teachers: {}
student: {frontend: mel, weights: none, seeds: [1], rho: 0.05}
evaluation: {confidence: 0.95, resamples: 20, seed: 0, calibration_bins: 5}
"""
TEACHERS = "teachers: {t1: {frontend: mel, weights: none}}"


def test_a_leaderboard_shares_teachers_and_publishes_its_boards(tmp_path):
    from flows.leaderboard import leaderboard

    folder = toy.make(tmp_path / "project", LEADERBOARD.replace("COUNT", str(tmp_path / "count")))
    (folder / "params.yaml").write_text(LEADERBOARD_PARAMS)
    (folder / "recipes").mkdir()
    for name, overrides in {
        "defaults": LEADERBOARD_PARAMS,
        "plain": TEACHERS,
        "wide": f"student: {{rho: 0.1}}\n{TEACHERS}",
    }.items():
        indented = "\n".join(f"  {line}" for line in overrides.splitlines())
        (folder / "recipes" / f"{name}.yaml").write_text(f"description: {name}\noverrides:\n{indented}\n")
    figure = {"mean": 50.0, "sd": None, "low": 40.0, "high": 60.0}
    figures = dict.fromkeys(("score_strict", "score_lenient", "sp", "se_strict", "se_lenient"), figure)
    about = {"corpus": "demo", "recordings": 2, "labels": "lungsound_2", "split": "official", "selections": ["val"]}
    test = {"cycles": 4, "patients": 2}
    metrics = {**about, "classes": ["normal", "abnormal"], "test": test, "students": {"1": {}}}
    (folder / "metrics").write_text(json.dumps({**metrics, "student": {"val": figures}}))
    predicted = {"cycle_id": list("abcd"), "patient_id": [1, 1, 2, 2], "label": [0, 1, 0, 1], "predicted": [0, 0, 1, 1]}
    models = {"model": ["student/1"] * 4, "selection": ["val"] * 4, "p_normal": [0.5] * 4, "p_abnormal": [0.5] * 4}
    pl.DataFrame(predicted | models).write_parquet(folder / "predicted")
    commit(folder, "start")

    state = leaderboard(recipes=["plain", "wide"], seeds=[3], jobs=2, project=folder, return_state=True)
    assert state.is_completed(), state.message
    assert state.result() == ["plain", "wide"]
    assert (tmp_path / "count").read_text() == "t1\n"
    assert "| wide | 1 | 50.0 | 40.0–60.0 |" in artifact("leaderboard").data
    assert "seeds: [3]" in (folder / ".leaderboard" / "wide" / "params.yaml").read_text()
    assert (folder / "params.yaml").read_text() == LEADERBOARD_PARAMS


NEW_DATA = """\
stages:
  download:
    cmd: rm -rf data/raw && mkdir -p data && cp -r corpus data/raw
    params: [download]
    outs: [data/raw]
  validate:
    cmd: test ! -e data/raw/bad && mkdir -p data/validation && echo '{"success":true}' > data/validation/results.json
    deps: [data/raw]
    outs: [data/validation/results.json]
  train_student:
    cmd: mkdir -p data/student/1 && cp data/raw/score data/student/1/model.json && echo trained >> COUNT
    deps: [data/raw, data/validation/results.json]
    outs: [data/student/1]
  evaluate:
    cmd: sh score.sh $(cat data/student/1/model.json)
    deps: [data/student/1]
    metrics:
      - reports/scores.json: {cache: false}
artifacts:
  student: {path: data/student, type: model}
"""
NEW_DATA_PARAMS = """\
download:
  source: directory
  path: corpus
  metadata: null
  expect: partial
  sha256: null
  mirrors: []
  exclude_patients: []
  demo: {seed: 1, patients: 1}
"""


def test_new_recordings_pass_the_gate_before_training_and_a_worse_model_is_not_promoted(tmp_path):
    from flows import registry
    from flows.new_data import new_data

    folder = toy.make(tmp_path / "project", NEW_DATA.replace("COUNT", str(tmp_path / "trained")))
    (folder / "score.sh").write_text(SCORE)
    (folder / "params.yaml").write_text(NEW_DATA_PARAMS)
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "score").write_text("60.0")
    (folder / ".gitignore").write_text("/corpus\n/data\n/reports\n/.breathline\n/.locks\n")
    commit(folder, "start")

    def look(**given: Any) -> Any:
        return new_data(project=folder, return_state=True, **{"quiet": 0, **given})

    state = look(quiet=3600)
    assert state.is_completed()
    assert "being written to" in state.message
    state = look()
    assert (state.name, registry.versions(folder)[-1].stages) == ("Completed", ("production",)), state.message
    assert state.message.startswith("student@v1.0.0 is in production: val.student.score_strict is 60.00")
    assert look().message.startswith("Nothing new")

    (corpus / "score").write_text("58.9")
    state = look(margin=1.0)
    assert (state.type.value, state.name) == ("COMPLETED", "NotPromoted"), state.message
    assert "58.90, and 60.00 in production (-1.10; 1.00 may be lost)" in state.message
    assert "- changed: score" in artifact("new-data").data
    assert len(registry.versions(folder)) == 1

    (corpus / "bad").write_text("not fit to be learned from")
    (corpus / "score").write_text("99.0")
    state = look()
    assert state.is_failed()
    assert state.message.startswith("The gate refused the new recordings: Failed: validate.")
    assert (tmp_path / "trained").read_text() == "trained\n" * 2
    assert look().message.startswith("Nothing new")

    # What does not even arrive was not refused: it is tried again at the next look.
    (corpus / "bad").unlink()
    graph = (folder / "dvc.yaml").read_text()
    (folder / "dvc.yaml").write_text(
        graph.replace("stages:\n  download:\n    cmd: ", "stages:\n  download:\n    cmd: exit 1; ")
    )
    state = look()
    assert state.message.startswith("The new recordings cannot be taken up: Failed: download.")
    assert look().is_failed()
