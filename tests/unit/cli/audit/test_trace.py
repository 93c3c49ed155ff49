"""The command line around `lineage.trace`: which form an answer takes."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.unit.lineage import small


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return small.build(tmp_path_factory.mktemp("small"))


@pytest.fixture(autouse=True)
def here(root, monkeypatch):
    monkeypatch.chdir(root)
    monkeypatch.setenv("COLUMNS", "160")


def run(*arguments, code=0):
    done = CliRunner().invoke(app, ["audit", "trace", *arguments])
    assert done.exit_code == code, done.output
    return done


def test_a_tree_in_the_terminal_json_and_a_chart():
    assert "7 recordings, 6 patients, 4 models, 12 stages" in run("score").stdout
    found = json.loads(run("score", "--json").stdout)
    assert found["recordings"] == sorted(small.RECORDINGS)
    assert found["models"] == [
        *(f"data/student/{seed}/val.safetensors" for seed in (1, 2)),
        *(f"data/teachers/{name}/val.safetensors" for name in ("t1", "t2")),
    ]
    assert run("patient:102", "--mermaid").stdout.startswith("flowchart LR\n")


def test_a_stage_is_no_revision_though_its_name_holds_an_at_sign():
    assert json.loads(run("fbank@ast", "--json").stdout)["stages"] == ["download", "extract", "fbank@ast", "validate"]


def test_everything_is_not_cut_to_the_width_of_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    digest = small.sha256(small.ROOT / "tasks/evaluate.py")
    assert digest in run("score", "--all").stdout


def test_a_page_beside_any_other_form(tmp_path):
    path = tmp_path / "why.html"
    assert f"Written: {path}" in run("score", "--html", str(path)).stdout.replace("\n", "")
    assert path.read_text().startswith("<!doctype html>")
    path.unlink()
    assert json.loads(run("score", "--html", str(path), "--json").stdout)["question"] == "score"
    assert path.exists()


def test_what_is_not_there_ends_with_status_1_and_a_suggestion():
    assert "did you mean score" in run("skore", code=1).output
    assert "Only one output format" in run("score", "--json", "--mermaid", code=1).output
