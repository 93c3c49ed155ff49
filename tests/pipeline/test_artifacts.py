"""Artifacts of a run, on a toy project with a real Prefect server."""

import json

import httpx
import pytest

from tests import toy

GRAPH = """\
stages:
  validate:
    foreach: {toy: 1}
    do:
      cmd: mkdir -p data/validation/toy && cp verdict.json data/validation/toy/results.json
      deps: [verdict.json]
      outs: [data/validation/toy/results.json]
  train_teacher:
    foreach: {cnn_s1: 1}
    do:
      cmd: for e in 1 2 3; do echo "epoch $e/4  loss 0.$e"; done && echo model > model.txt
      deps: [data/validation/toy/results.json]
      outs: [model.txt]
  evaluate:
    cmd: mkdir -p reports && cp figures.json reports/scores.json
    deps: [model.txt, figures.json]
    outs: [reports/scores.json: {cache: false}]
"""
TOTALS = {"expectations": 2, "holding": 2, "warnings": 0, "errors": 0}
VERDICT = {"success": True, "totals": TOTALS, "expectations": []}


@pytest.fixture
def project(tmp_path):
    folder = toy.make(tmp_path / "project", GRAPH)
    (folder / "verdict.json").write_text(json.dumps(VERDICT))
    return folder


def run(project, server, score: float) -> tuple[str, dict[str, dict[str, object]]]:
    """Run the project, whose student has a Score; return what was printed and the run's artifacts by key."""
    student = {"score_strict": score, "score_lenient": 70}
    (project / "figures.json").write_text(json.dumps({"val": {"student": student}}))
    latest = {"sort": "CREATED_DESC", "limit": 50}
    with httpx.Client(base_url=server["PREFECT_API_URL"]) as api:
        known = {one["id"] for one in api.post("/artifacts/filter", json=latest).json()}
        printed = toy.call(project, "breathline", "run", env=server)
        found = [one for one in api.post("/artifacts/filter", json=latest).json() if one["id"] not in known]
    assert len({one["flow_run_id"] for one in found}) == 1
    return printed, {one["key"]: one for one in found}


def test_each_run_publishes_plan_verdict_scores_graph_and_progress(project, server):
    run(project, server, 40.0)
    (project / "verdict.json").write_text(json.dumps(VERDICT, indent=1))
    _, found = run(project, server, 42.5)
    assert {key: one["description"] for key, one in found.items()} == {
        "plan": "3 of 3 stages run.",
        "progress-train-teacher-cnn-s1": "stopped early: epoch 3 of 4: loss 0.3",
        "validation": "toy: ✓ Passed: 2 of 2 expectations hold; 0 errors, 0 warnings.",
        "scores": "Score of student (val): 42.50 strict (▲ +2.50), 70.00 lenient (=).",
        "graph": "3 ran.",
        "report": "Links to the reports.",
    }
    assert found["progress-train-teacher-cnn-s1"]["data"] == 100
    assert "dep verdict.json: modified" in str(found["plan"]["data"]).replace("\\", "")
    assert "Corpus `toy`" in str(found["validation"]["data"])
    assert "s0 --> s1" in str(found["graph"]["data"])


def test_what_cannot_be_published_is_a_warning_and_no_failure(project, server):
    (project / "verdict.json").write_text("{}")
    printed, found = run(project, server, 40.0)
    assert "The artifact validation is not published: KeyError" in printed
    assert found.keys() == {"plan", "progress-train-teacher-cnn-s1", "scores", "graph", "report"}
