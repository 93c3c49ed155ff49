"""Command `breathline audit trace`: formats of the trace."""

import json

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.unit.lineage import small


@pytest.fixture(autouse=True)
def here(small_project, monkeypatch):
    monkeypatch.chdir(small_project)
    monkeypatch.setenv("COLUMNS", "160")


def run(*arguments, code=0):
    done = CliRunner().invoke(app, ["audit", "trace", *arguments])
    assert done.exit_code == code, done.output
    return done


def test_a_trace_is_printed_as_tree_json_or_flowchart():
    assert "7 recordings, 6 patients, 4 models, 13 stages" in run("score").stdout
    found = json.loads(run("score", "--json").stdout)
    assert found["recordings"] == sorted(small.RECORDINGS)
    assert found["models"] == [
        *(f"data/student/{seed}/val.safetensors" for seed in (1, 2)),
        *(f"data/teachers/{name}/val.safetensors" for name in ("t1", "t2")),
    ]
    assert run("patient:102", "--mermaid").stdout.startswith("flowchart LR\n")


def test_a_stage_name_with_an_at_sign_is_no_revision():
    stages = json.loads(run("fbank@icbhi-ast", "--json").stdout)["stages"]
    assert stages == ["download@icbhi", "extract@icbhi", "fbank@icbhi-ast", "validate@icbhi"]


def test_the_complete_tree_is_not_cut_to_the_width_of_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    digest = small.sha256(small.ROOT / "tasks/evaluate.py")
    assert digest in run("score", "--all").stdout


def test_a_page_can_be_combined_with_another_format(tmp_path):
    path = tmp_path / "why.html"
    assert f"Written: {path}" in run("score", "--html", str(path)).stdout.replace("\n", "")
    assert path.read_text().startswith("<!doctype html>")
    path.unlink()
    assert json.loads(run("score", "--html", str(path), "--json").stdout)["question"] == "score"
    assert path.exists()


def test_an_unknown_name_ends_with_status_1_and_a_suggestion():
    assert "did you mean score" in run("skore", code=1).output
    assert "Only one output format" in run("score", "--json", "--mermaid", code=1).output
