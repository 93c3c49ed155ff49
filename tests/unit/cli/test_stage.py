"""The launcher of stages: what it registers, and what it refuses."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli import stage_launcher
from lineage import record
from tasks import report
from tasks.runtime.hooks import hooks
from tests import toy

ROOT = Path(__file__).parents[3]
# RANK and WORLD_SIZE are left over from an earlier training; a process of rank 1 would write no record.
ENV = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200", "RANK": "1", "WORLD_SIZE": "2"}


def run(folder, *command):
    done = subprocess.run([sys.executable, *command], cwd=folder, env=ENV, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_nothing_slow_is_imported_before_the_watch_over_the_parent(tmp_path):
    shown = run(tmp_path, "-c", "import sys, cli.stage_launcher; print({name.split('.')[0] for name in sys.modules})")[
        1
    ]
    for name in ("torch", "numpy", "pyarrow", "pydantic", "lineage", "flows", "rich"):
        assert f"'{name}'" not in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fbanks"], "unknown stage fbanks"),
        pytest.param(["runtime.files"], "unknown stage", marks=pytest.mark.long),
        pytest.param(["weights"], "missing a required", marks=pytest.mark.slow),  # imports torch: 3 s
    ],
)
def test_a_stage_that_does_not_exist_is_refused(tmp_path, arguments, message):
    status, shown = run(tmp_path, "-m", "cli.stage", *arguments)
    assert (status, message in shown) == (2, True), shown


@pytest.mark.slow  # two processes that import torch: 5 s
def test_the_launcher_records_a_stage_and_the_stage_alone_does_not(tmp_path):
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("cli", "flows", "lineage", "models", "tasks"):
        shutil.copytree(ROOT / name, tmp_path / name)
    assert run(tmp_path, "-m", "tasks.weights", "scratch")[0] == 0
    assert record.read(tmp_path, "weights@scratch") is None
    status, shown = run(tmp_path, "-m", "cli.stage", "weights@scratch")
    assert status == 0, shown
    found = record.read(tmp_path, "weights@scratch")
    assert found["command"] == 'python -m cli.stage "$DVC_STAGE"'
    assert "tasks/weights.py" in found["modules"]
    assert not any(name.startswith(("cli", "lineage", "flows")) for name in found["modules"])


def test_a_stage_reaches_servers_of_this_machine_without_a_proxy(tmp_path):
    program = (
        "import os, sys; from cli import stage; sys.argv = ['stage', 'nonsense']\n"
        "try: stage.main()\n"
        "except SystemExit: print(os.environ['NO_PROXY'])"
    )
    env = {name: value for name, value in toy.ENV.items() if name.lower() != "no_proxy"}
    env |= {"HTTP_PROXY": "http://127.0.0.1:9", "PYTHONPATH": str(toy.ROOT)}
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, check=True)
    assert b"127.0.0.1" in done.stdout


def test_the_launcher_gives_the_report_its_provenance(monkeypatch, tmp_path):
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stage", "report"])
    monkeypatch.setattr(report, "main", lambda: None)
    stage_launcher.run()
    found = hooks.provenance(tmp_path)
    assert found["missing"] == "the stage `evaluate` has left no record that can be read"
    assert [corpus["name"] for corpus in found["corpora"]] == ["demo"]
