"""Two runs of one project at once, with Prefect and without: one waits or is refused, and each stage has one writer."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import toy
from tests.pipeline.commands import breathline, eventually, finish, succeed

# `held` says that it starts, and ends once the test lets it.
HELD = """\
stages:
  held:
    cmd: echo start >> starts; until test -e gate; do sleep 0.1; done; cp src.txt held.txt
    deps: [src.txt]
    outs: [held.txt]
  last:
    cmd: cp held.txt last.txt
    deps: [held.txt]
    outs: [last.txt]
"""
ANOTHER, BUSY = "Another `breathline run` is in progress in this project", "is busy, it is being blocked by"


@pytest.fixture
def project(tmp_path) -> Iterator[Path]:
    folder = toy.make(tmp_path, HELD)
    yield folder
    (folder / "gate").touch()  # whatever failed: nothing waits for ever


def start(folder: Path, server: dict[str, str], kind: str) -> subprocess.Popen[str]:
    if kind == "flow":
        return breathline(folder, server, "run")
    dvc = [str(Path(sys.executable).with_name("dvc")), "repro"]
    pipe, merged = subprocess.PIPE, subprocess.STDOUT
    return subprocess.Popen(dvc, cwd=folder, env=toy.ENV, text=True, stdout=pipe, stderr=merged)


def wait_for_start(folder: Path) -> None:
    eventually((folder / "starts").exists)


def check_outs(folder: Path) -> None:
    """Check that `held` ran once, that the outs are right, and that DVC knows them all."""
    assert (folder / "starts").read_text() == "start\n"
    assert (folder / "held.txt").read_text() == (folder / "last.txt").read_text() == "source\n"
    assert "up to date" in toy.call(folder, "dvc", "repro")


SECOND = [
    ("flow", "flow", ANOTHER),
    pytest.param("flow", "dvc", BUSY, marks=pytest.mark.long),
    pytest.param("dvc", "dvc", BUSY, marks=pytest.mark.long),
]


@pytest.mark.parametrize(("first", "second", "word"), SECOND)
def test_a_second_run_is_refused_with_a_clear_word_and_harms_nothing(project, server, first, second, word):
    one = start(project, server, first)
    wait_for_start(project)
    status, printed = finish(start(project, server, second))
    assert status != 0
    assert word in " ".join(printed.split())
    assert one.poll() is None, "the first run goes on"
    (project / "gate").touch()
    printed = succeed(one)
    check_outs(project)


def test_a_run_beside_dvc_waits_for_the_stage_that_dvc_runs(project, server):
    by_dvc = start(project, server, "dvc")
    wait_for_start(project)
    run = start(project, server, "flow")
    assert run.stdout is not None
    before = next((line for line in run.stdout if BUSY in line), None)
    assert before is not None, finish(run)
    (project / "gate").touch()
    for process in (by_dvc, run):
        succeed(process)
    check_outs(project)


def test_of_two_runs_that_start_at_the_same_moment_one_is_refused(project, server):
    runs = [start(project, server, "flow") for _ in range(2)]
    wait_for_start(project)
    while all(run.poll() is None for run in runs):
        time.sleep(0.1)
    (project / "gate").touch()
    (good, _), (refused, printed) = sorted(finish(run) for run in runs)
    assert (good, refused) == (0, 1)
    assert ANOTHER in " ".join(printed.split())
    check_outs(project)
