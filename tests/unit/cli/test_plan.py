"""Command `breathline plan`: wrong parameters are refused before DVC reads the graph, and before a stage starts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app

ROOT = Path(__file__).parents[3]


@pytest.fixture
def wrong(tmp_path) -> Path:
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    text = (ROOT / "params.yaml").read_text(encoding="utf-8").replace("k: 2 ", "k: 9 ").replace("k: 2", "k: 9")
    (tmp_path / "params.yaml").write_text(text.replace("\nstudent:", "\nstudnet:"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("command", [["plan"], ["run", "--dry"], ["plan", "--target", "evaluate", "--json"]])
def test_wrong_parameters_are_refused_all_at_once(wrong, monkeypatch, command):
    monkeypatch.chdir(wrong)
    done = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert done.exit_code == 1
    for words in ("studnet is unknown; did you mean student?", "soft_labels.k is 9; allowed: at most the number of"):
        assert words in done.stderr


def test_a_stage_refuses_them_before_it_imports_anything_slow(wrong):
    command = [sys.executable, "-X", "importtime", "-m", "cli.stage", "train_teacher@cnn_s1"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=wrong, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "studnet is unknown; did you mean student?" in done.stderr
    assert "| torch\n" not in done.stderr
