"""Command `breathline plan`: wrong parameters are refused before DVC reads the graph, and before a stage starts."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.plan import show
from flows.plan import Step

ROOT = Path(__file__).parents[3]


@pytest.fixture
def wrong(tmp_path) -> Path:
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    text = (ROOT / "params.yaml").read_text(encoding="utf-8").replace("k: 3 ", "k: 9 ").replace("k: 3", "k: 9")
    (tmp_path / "params.yaml").write_text(text.replace("\nstudent:", "\nstudnet:"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("command", [["plan"], ["run", "--dry"], ["plan", "--target", "evaluate", "--json"]])
def test_wrong_parameters_are_refused_all_at_once(wrong, monkeypatch, command):
    monkeypatch.chdir(wrong)
    done = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert done.exit_code == 1
    for words in ("studnet is unknown; did you mean student?", "soft_labels.k is 9; allowed: at most the number of"):
        assert words in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", [["plan"], ["run", "--dry"]])
def test_a_split_without_recordings_is_refused_where_the_cycles_are_known(small_run, tmp_path, monkeypatch, command):
    project = shutil.copytree(small_run, tmp_path / "project", symlinks=True)
    text = (project / "params.yaml").read_text(encoding="utf-8")
    assert text.count("split: official") == 1
    (project / "params.yaml").write_text(text.replace("split: official", "split: official@LittC2SE"), encoding="utf-8")
    monkeypatch.chdir(project)
    done = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert done.exit_code == 1
    assert "There is no recording with `LittC2SE`." in done.stderr


def test_weights_without_a_version_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    hub, web = {"source": "hf:o/r/f.pt"}, {"source": "https://host/f.pt"}
    known = {"scratch": {"source": "none"}, "a": hub, "b": web}
    known |= {"c": {**hub, "revision": "0" * 40}, "d": {**web, "sha256": "0" * 64}}
    (tmp_path / "params.yaml").write_text(json.dumps({"weights": known}), encoding="utf-8")
    show([Step(f"weights@{name}", True, (), ()) for name in known])
    printed = " ".join(capsys.readouterr().out.split())
    assert "weights.a: neither `revision` nor `sha256` is set, so the current file of hf:o/r/f.pt is used." in printed
    assert "weights.b: `sha256` is not set" in printed
    assert "data/weights/b/source.json will hold its SHA-256, to be copied into params.yaml." in printed
    assert [name for name in known if f"weights.{name}:" in printed] == ["a", "b"]
    show([Step(f"weights@{name}", False, (), ()) for name in known])
    assert "weights.a:" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_stage_refuses_them_before_it_imports_anything_slow(wrong):
    command = [sys.executable, "-X", "importtime", "-m", "cli.stage", "train_teacher@cnn_s1"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=wrong, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "studnet is unknown; did you mean student?" in done.stderr
    assert "| torch\n" not in done.stderr
