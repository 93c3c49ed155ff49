"""The leaderboard on a toy project, with a real Prefect server, DVC and processes."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

from tasks.evaluation.summary import about
from tasks.runtime import corpus_facts
from tests import toy
from tests.pipeline.commands import artifact
from tests.toy import commit
from tests.unit.tasks.evaluation.example import facts

# A run of a toy's few stages takes 5 to 15 s (each starts DVC), and this test makes several.
# Flows that are called here use the session's server, too.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("server")]

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
      && cp metrics reports/metrics.json && cp -r facts data/cycles
    deps: [predicted, metrics, facts, data/teachers]
    params: [student]
    outs: [data/evaluation/predictions.parquet, data/cycles]
    metrics:
      - reports/metrics.json: {cache: false}
"""
LEADERBOARD_PARAMS = """\
split: official
corpora: {demo: {format: demo, source: publisher}}
external: {}
selections: [val]
frontends: {mel: {}}
weights: {none: {}}
teachers: {}
student: {frontend: mel, weights: none, seeds: [1], rho: 0.05}
evaluation: {confidence: 0.95, resamples: 20, seed: 0, calibration_bins: 5, prevalence: null}
"""
TEACHERS = "teachers: {t1: {frontend: mel, weights: none}}"


def test_a_leaderboard_shares_teachers_and_the_command_shows_the_same(tmp_path, monkeypatch):
    from cli.main import app
    from flows.leaderboard import leaderboard

    folder = toy.make(tmp_path / "project", LEADERBOARD.replace("COUNT", str(tmp_path / "count")))
    (folder / "params.yaml").write_text(LEADERBOARD_PARAMS)
    (folder / "recipes").mkdir()
    recipes = {"defaults": LEADERBOARD_PARAMS, "plain": TEACHERS, "wide": f"student: {{rho: 0.1}}\n{TEACHERS}"}
    for name, overrides in recipes.items():
        indented = "\n".join(f"  {line}" for line in overrides.splitlines())
        (folder / "recipes" / f"{name}.yaml").write_text(f"description: {name}\noverrides:\n{indented}\n")
    figure = {"mean": 50.0, "sd": None, "low": None, "high": None}
    figures = dict.fromkeys(("score_strict", "score_lenient", "sp", "se_strict", "se_lenient"), figure)
    corpus_facts.write(folder / "facts", facts())
    measured = {**about(facts(), "lungsound_2", "official"), "selections": ["val"]}
    test = {"cycles": 4, "patients": 2}
    metrics = {**measured, "classes": ["normal", "abnormal"], "test": test, "students": {"1": {}}}
    (folder / "metrics").write_text(json.dumps({**metrics, "student": {"val": figures}}))
    predicted = {"cycle_id": list("abcd"), "patient_id": list("1122"), "label": [0, 1] * 2, "predicted": [0, 0, 1, 1]}
    models = {"model": ["student/1"] * 4, "selection": ["val"] * 4, "p_normal": [0.5] * 4, "p_abnormal": [0.5] * 4}
    pl.DataFrame(predicted | models).write_parquet(folder / "predicted")
    commit(folder, "start")

    state = leaderboard(recipes=["plain", "wide"], seeds=[3], jobs=2, project=folder, return_state=True)
    assert state.is_completed(), state.message
    assert state.result() == ["plain", "wide"]
    assert (tmp_path / "count").read_text() == "t1\n"
    assert "| wide | 1 | 50.0 | – |" in artifact("leaderboard").data
    assert "seeds: [3]" in (folder / ".leaderboard" / "wide" / "params.yaml").read_text()
    assert (folder / "params.yaml").read_text() == LEADERBOARD_PARAMS

    monkeypatch.chdir(folder)
    shown = CliRunner().invoke(app, ["leaderboard", "plain", "wide", "--seeds", "3"])
    assert shown.exit_code == 0, shown.output
    rows = {line.split()[0]: line.split() for line in shown.output.splitlines() if line.split()}
    assert rows["wide"][:4] == ["wide", "1", "50.0", "–"], "four cycles of two patients give no interval"
    assert (tmp_path / "count").read_text() == "t1\n"
