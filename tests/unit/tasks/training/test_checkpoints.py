"""A training that was killed goes on from its checkpoint, which belongs to it alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from models import artifact
from tasks import train_teacher
from tasks.training import job
from tests.unit.tasks import trainings
from tests.unit.tasks.trainings import change, contents

ROOT = Path(__file__).parents[4]
CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "seed": {"teachers": {"ast": {"seed": 3}}},
    "rho": {"teacher_training": {"optimizer": {"rho": 0.1}}},
    "validation": {"validation": {"seed": 1}},
}


@pytest.mark.long  # trains twice and starts a process that imports torch; tests/pipeline/test_kill_matrix.py kills one
def test_killed_and_run_again_it_gives_the_bytes_of_an_undisturbed_run(project, caplog):
    change(project, {"teacher_training": {"schedule": {"epochs": 6}}})
    train_teacher.main("mn")
    out = project / "data" / "teachers" / "mn"
    undisturbed = contents(out)
    assert sorted(undisturbed) == ["history.csv", "model.json", "val.safetensors"]
    for path in out.iterdir():
        path.unlink()

    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tasks.train_teacher", "mn"]
    with subprocess.Popen(command, cwd=project, env=env, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not (kept := list(project.glob(".checkpoints/*/training.pt"))):
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert kept[0].exists()
    assert contents(out) == {}

    with caplog.at_level("INFO"):
        train_teacher.main("mn")
    assert "Resumed after epoch" in caplog.text
    assert contents(out) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize(
    "what",
    [
        "code",
        "features",
        "nothing",
        *(pytest.param(one, marks=pytest.mark.long) for one in CHANGES if one != "nothing"),
    ],
)
def test_a_checkpoint_belongs_to_its_inputs_alone(project, monkeypatch, caplog, what):
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(artifact, "save", stop)
        with pytest.raises(SystemExit):
            train_teacher.main("ast")
    if what == "features":
        with (project / "data" / "fbank" / "narrow" / "demo" / "features.npy").open("r+b") as file:
            file.seek(5000)
            file.write(b"\x01")
    elif what == "code":
        monkeypatch.setattr(job, "CODE", job.CODE[1:])
    else:
        change(project, CHANGES[what])
    with caplog.at_level("INFO"):
        train_teacher.main("ast")
    assert ("Resumed" in caplog.text) == (what == "nothing")


@pytest.mark.slow
def test_after_a_flipped_bit_the_stage_writes_the_bytes_of_an_undisturbed_run(project, monkeypatch, caplog):
    with monkeypatch.context() as patch:
        patch.setattr(artifact, "save", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(SystemExit):
            train_teacher.main("ast")
    (damaged,) = project.glob(".checkpoints/*/training.pt")
    with damaged.open("r+b") as file:
        file.seek(damaged.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    with caplog.at_level("INFO"):
        train_teacher.main("ast")
    assert f"{damaged.relative_to(project)} was changed: its" in caplog.text
    assert "Resumed after epoch 1" in caplog.text
    resumed = contents(project / "data" / "teachers" / "ast")
    train_teacher.main("ast")
    assert contents(project / "data" / "teachers" / "ast") == resumed


@pytest.mark.slow
def test_two_teachers_of_equal_settings_do_not_share_a_checkpoint(project, monkeypatch):
    change(project, {"teachers": {"twin": trainings.PARAMS["teachers"]["ast"]}})
    folders = []
    for teacher in ("ast", "twin"):
        with monkeypatch.context() as patch:
            patch.setattr(artifact, "save", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(SystemExit):
                train_teacher.main(teacher)
        folders.append(len(list((project / ".checkpoints").iterdir())))
    assert folders == [1, 2]
