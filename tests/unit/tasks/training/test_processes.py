"""A training stage in two processes."""

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.train_teacher import main
from tests.unit.tasks import trainings

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def write(project: Path, processes: int, **training: Any) -> None:
    compute = trainings.PARAMS["compute"] | {"processes": processes}
    changed = trainings.PARAMS["teacher_training"] | training
    trainings.write_params(project, trainings.PARAMS | {"compute": compute, "teacher_training": changed})


def losses(project: Path) -> list[float]:
    with (project / "data" / "teachers" / "ast" / "history.csv").open() as file:
        return [float(row["train_loss"]) for row in csv.DictReader(file)]


@pytest.mark.slow  # starts processes that import torch, about 7 s
def test_a_stage_starts_its_processes_and_writes_once(project):
    write(project, 1)
    main("ast")
    alone = losses(project)
    write(project, 2)
    main("ast")
    assert losses(project) == pytest.approx(alone, rel=1e-4)
    out = project / "data" / "teachers" / "ast"
    assert sorted(path.name for path in out.iterdir()) == ["history.csv", "model.json", "val.safetensors"]
    assert not list((project / ".checkpoints").iterdir())


@pytest.mark.long  # starts processes that import torch, about 10 s
def test_torchrun_may_start_them(project):
    write(project, 1)
    main("ast")
    alone = losses(project)
    (project / "data" / "teachers" / "ast" / "history.csv").unlink()
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "-m", "tasks.train_teacher", "ast"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert losses(project) == pytest.approx(alone, rel=1e-4)
    assert done.stderr.count("epoch 1/2") == 1, "one of them logs"


@pytest.mark.slow  # starts processes that import torch, about 15 s
def test_what_a_process_finds_wrong_is_shown_as_ever(project, capsys):
    write(project, 2, batch_size=7)
    with pytest.raises(SystemExit):
        main("ast")
    shown = " ".join(capsys.readouterr().err.split())
    assert "2 processes cannot share batches of 7 cycles equally. where: params.yaml" in shown
    assert "Traceback" not in shown
