"""The kill matrix: flow, dvc and stage, each by INT, TERM and KILL, while a teacher trains and `fbank` writes.

Both stages run side by side, so that each case ends a training and an `fbank` at once. They are held still (SIGSTOP) in
the middle of their work until the signal has reached them, so that no case depends on how fast the machine is.
"""

import hashlib
import itertools
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests import toy
from tests.pipeline import runs
from tests.pipeline.commands import breathline, finish, succeed, working_in

# Nine cases of a run that ends early and resumes, 10 to 60 s each. In `make test`, test_kill_matrix.py kills DVC and
# stages, and test_flow.py kills flows.
pytestmark = pytest.mark.long

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
TEACHER, FBANK = "train_teacher@t1", f"fbank@{runs.CORPUS}-ast"
TARGETS = ["--target", TEACHER, "--target", FBANK]
OUTS = {TEACHER: "data/teachers/t1", FBANK: str(runs.FEATURES)}
# A file that is there from the middle of the stage on: the checkpoint of the first epoch, and some of the features.
MIDDLE = {TEACHER: ".checkpoints/*/training.pt", FBANK: f"{runs.FEATURES}/.features.npy.*"}


def longer(params: dict) -> None:
    """Give a teacher several epochs, and long clips to a front end that it does not need."""
    params["teachers"]["t1"].update(runs.RESNET)
    params["teacher_training"]["schedule"]["epochs"] = 4
    params["frontends"]["ast"]["duration_s"] = 8.0


@pytest.fixture(scope="module")
def begun(finished_run, tmp_path_factory) -> Path:
    """Return a copy of the finished run in which the two stages have not run."""
    folder = runs.copy(finished_run, tmp_path_factory.mktemp("kills") / "project")
    runs.edit(folder, longer)
    runs.edit(folder, lambda lock: [lock["stages"].pop(name) for name in OUTS], "dvc.lock")
    for name, out in OUTS.items():
        shutil.rmtree(folder / out)
        (folder / "data/lineage" / f"{name}.json").unlink()
    return folder


@pytest.fixture(scope="module")
def undisturbed(begun, tmp_path_factory) -> dict[str, object]:
    """Return what the two stages give where nothing ends them."""
    folder = shutil.copytree(begun, tmp_path_factory.mktemp("undisturbed") / "project", symlinks=True)
    runs.repro(folder, TEACHER, FBANK)
    found = results(folder)
    shutil.rmtree(folder)
    return found


@pytest.fixture
def project(begun, tmp_path) -> Iterator[Path]:
    folder = shutil.copytree(begun, tmp_path / "project", symlinks=True)
    yield folder
    for process in working_in(folder):
        process.kill()
    shutil.rmtree(folder)


def results(folder: Path) -> dict[str, object]:
    """Return the SHA-256 of every file in the two stages' outs, and what dvc.lock says of the stages."""
    files = [path for out in OUTS.values() for path in sorted((folder / out).rglob("*")) if path.is_file()]
    hashes = {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    recorded = runs.locked(folder)
    return hashes | {name: recorded.get(name) for name in OUTS}


def command_of(process: psutil.Process) -> list[str]:
    """Return a process's command line, empty where it has ended meanwhile."""
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def hold(run: subprocess.Popen[str], folder: Path) -> list[psutil.Process]:
    """Wait for both stages and stop each in the middle of its work; return their processes."""
    commands = {name: ["python", "-m", "cli.stage", name] for name in OUTS}
    stages: dict[str, psutil.Process] = {}
    held: set[str] = set()
    while len(held) < len(OUTS):
        assert run.poll() is None, finish(run)
        if len(stages) < len(OUTS):
            stages |= {
                name: process
                for process in working_in(folder)
                for name, command in commands.items()
                if command_of(process)[1:] == command[1:]
            }
        for name in stages.keys() - held:
            if any(path.stat().st_size for path in folder.glob(MIDDLE[name])):
                stages[name].suspend()
                held.add(name)
        time.sleep(0.005)
    assert in_place(folder) == [], "the stage was over before it was stopped"
    return list(stages.values())


def dvc_of(stage: psutil.Process) -> psutil.Process:
    """Return the DVC that started a stage; some shells (dash) stay between the two, others (bash) do not."""
    return next(process for process in stage.parents() if process.name() not in {"sh", "dash", "bash", "zsh"})


def in_place(folder: Path) -> list[Path]:
    """Return the files of the two stages' outs; hidden ones are those that are being written."""
    found = [path for out in OUTS.values() for path in (folder / out).rglob("*") if path.is_file()]
    return [path for path in found if not path.name.startswith(".")]


def release(stages: list[psutil.Process]) -> None:
    """Let the stopped stages go on, each once a signal waits for it."""
    for stage in stages:
        # One that was killed may be gone at any moment.
        with suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            while stage.status() == psutil.STATUS_STOPPED and not _is_signalled(stage):
                time.sleep(0.02)
            stage.resume()


def _is_signalled(process: psutil.Process) -> bool:
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
    return any(int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd", "ShdPnd")))


@pytest.mark.parametrize(
    ("victim", "number"),
    list(itertools.product(("flow", "dvc", "stage"), NUMBERS)),
    ids=lambda value: getattr(value, "name", value),
)
def test_what_ends_a_run_in_the_middle_leaves_nothing_behind_and_the_next_one_goes_on(
    project, server, undisturbed, victim, number
):
    run = breathline(project, server, "run", *TARGETS)
    stages = hold(run, project)
    victims = {"flow": [psutil.Process(run.pid)], "dvc": [dvc_of(stage) for stage in stages], "stage": stages}
    for process in victims[victim]:
        process.send_signal(number)
    if (victim, number) == ("dvc", signal.SIGINT):
        # DVC leaves Ctrl-C to the stage, which alone did not get it: nothing ends.
        for stage in stages:
            stage.resume()
        printed = succeed(run)
        assert results(project) == undisturbed
        return
    release(stages)
    status, printed = finish(run)
    assert status != 0, printed
    _, alive = psutil.wait_procs(working_in(project), timeout=60)
    assert alive == []
    assert in_place(project) == []
    assert {name: results(project)[name] for name in OUTS} == dict.fromkeys(OUTS)

    if victim == "dvc":
        printed = toy.call(project, "dvc", "repro", TEACHER, FBANK)
    else:
        printed = succeed(breathline(project, server, "run", *TARGETS))
    assert "Resumed after epoch 1" in printed
    assert results(project) == undisturbed
    assert list((project / ".checkpoints").iterdir()) == []
