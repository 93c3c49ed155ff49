"""Names of params.yaml in shell commands and paths: a name of weights was run by the shell of DVC."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lineage import graph
from tasks.runtime import params
from tests import toy

ROOT = Path(__file__).parents[2]
NAME = "x; touch pwned #"
WITH_NAME = (ROOT / "params.yaml").read_text().replace("  scratch: {", f'  "{NAME}": {{source: none}}\n  scratch: {{')


def test_no_command_of_the_graph_holds_a_template():
    commands = [stage.get("do", stage)["cmd"] for stage in params.read(ROOT / "dvc.yaml")["stages"].values()]
    assert not [command for command in commands if "${" in command]


def test_no_parameter_is_part_of_a_command(tmp_path):
    """Whatever the values are: the commands are those of other parameters."""
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    plain = {stage.command for stage in graph.read(tmp_path).values()}
    (tmp_path / "params.yaml").write_text(WITH_NAME.replace("seeds: [1]", "seeds: ['1; touch pwned']"))
    stages = graph.read(tmp_path)
    assert f"weights@{NAME}" in stages
    assert {stage.command for stage in stages.values()} == plain


@pytest.mark.slow  # DVC starts a stage, about 5 s
def test_dvc_alone_runs_no_name_of_params_yaml(tmp_path):
    project = toy.make(tmp_path / "project", (ROOT / "dvc.yaml").read_text())
    (project / "params.yaml").write_text(WITH_NAME)
    for name in ("breathline", "cli", "flows", "lineage", "models", "tasks"):
        shutil.copytree(ROOT / name, project / name)
    shown = toy.call(project, "dvc", "repro", "--single-item", f"weights@{NAME}", status=255)
    assert 'python -m cli.stage "$DVC_STAGE"' in shown
    assert "is not allowed as a name; allowed: a name of up to 64 letters" in shown
    assert not list(project.rglob("pwned*"))


@pytest.mark.slow
def test_the_launcher_takes_the_name_as_dvc_gives_it_from_a_subfolder(tmp_path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "cli.stage", "../dvc.yaml:weights@scratch"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "data" / "weights" / "scratch" / "source.json").is_file()
