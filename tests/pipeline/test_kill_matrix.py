"""Kills at seeded moments of every stage of dvc.yaml: the stage, its DVC, or both, by INT, TERM and KILL.

After each kill no process is left, nothing is torn, and `dvc repro` gives the bytes of an undisturbed run.
"""

import itertools
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from lineage import events, graph
from lineage.verify import verification
from tests import toy
from tests.pipeline import fresh_stage, runs
from tests.pipeline.commands import working_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

GROUPS = list(runs.parameters(runs.ROOT, "dvc.yaml")["stages"])
# DVC alone ignores Ctrl-C and leaves it to its stage.
KILLS = [
    ("dvc", signal.SIGKILL),
    ("stage", signal.SIGKILL),
    ("both", signal.SIGINT),
    ("stage", signal.SIGTERM),
    ("dvc", signal.SIGTERM),
    ("stage", signal.SIGINT),
    ("both", signal.SIGKILL),
    ("both", signal.SIGTERM),
]
MOMENTS = max(len(KILLS), -(-100 // len(GROUPS)))  # of each group of stages, so that there are 100 at least
STARTUP_S = 1.5  # usual time from the start of a stage's process to its first event
# What Python prints if Ctrl-C reaches it before any code of the project runs: while it sets up its streams or its site,
# or while it looks for the module that follows `-m`.
INTERPRETER_STARTS = re.compile(
    r'Fatal Python error: init_(.|\n)*|Traceback \(most recent call last\):\n(  File "<frozen .*\n)+KeyboardInterrupt'
)
# Stages that are killed once each in `make test`: cheap ones, of which each works in another way.
SHORT = ["fbank", "extract", "train_teacher"]


@dataclass(frozen=True)
class Moment:
    """A kill: its victim, its signal, and the time since the start of the stage's process in seconds."""

    victim: str
    number: signal.Signals
    after_s: float


def moments(group: str, usual_s: float) -> Iterator[Moment]:
    """Yield the moments of a group: every third within the first second, the others at any time of the stage."""
    draw = random.Random(group)
    for index, (victim, number) in enumerate(itertools.cycle(KILLS)):
        yield Moment(victim, number, draw.uniform(0, 1.0 if index % 3 == 0 else usual_s))


def usual_s(project: Path, stage: graph.Stage) -> float:
    """Return how long the process of a stage took in the finished run, in seconds."""
    took = [
        entry["seconds"] for entry in events.read(project) if events.is_success(entry) and entry["stage"] == stage.name
    ]
    return STARTUP_S + float(took[-1])


def kill(project: Path, stage: graph.Stage, moment: Moment) -> str:
    """Start a stage by DVC, kill at the moment, and return the output; a stage that ends before is started again.

    DVC may then be killed while it writes: what it leaves in its own files is put back.
    """
    after_s, locked = moment.after_s, (project / "dvc.lock").read_bytes()
    while True:
        fresh_stage.forget(project, stage)
        command = ["dvc", "repro", "--single-item", stage.name]
        pipe, merged = subprocess.PIPE, subprocess.STDOUT
        with subprocess.Popen(
            command, cwd=project, env=toy.ENV, stdout=pipe, stderr=merged, text=True, start_new_session=True
        ) as dvc:
            process = stage_of(psutil.Process(dvc.pid), stage)
            time.sleep(max(0, process.create_time() + after_s - time.time()))
            victims = {"dvc": [psutil.Process(dvc.pid)], "stage": [process], "both": [psutil.Process(dvc.pid), process]}
            with suppress(psutil.NoSuchProcess):
                process.suspend()  # it does not end between the question and the signal
            hit = is_alive(process)
            for victim in victims[moment.victim]:
                with suppress(psutil.NoSuchProcess):
                    victim.send_signal(moment.number)
            with suppress(psutil.NoSuchProcess):
                process.resume()
            output, _ = dvc.communicate(timeout=180)
        if hit:
            return output
        after_s /= 2
        (project / "dvc.lock").write_bytes(locked)
        (project / ".dvc/tmp/rwlock").unlink(missing_ok=True)


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process still works; it may end at any moment, also between two questions about it."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def stage_of(dvc: psutil.Process, stage: graph.Stage) -> psutil.Process:
    """Wait for the process of a stage, below DVC."""
    while True:
        for child in dvc.children(recursive=True):
            with suppress(psutil.Error):
                if child.cmdline()[1:] == ["-m", "cli.stage", stage.name]:
                    return child
        assert dvc.status() != psutil.STATUS_ZOMBIE, "DVC ended before the stage began"
        time.sleep(0.005)


def check(project: Path, group: str, count: int) -> None:
    """Kill a stage of a group at some moments, and complete it after each."""
    stage = next(stage for name, stage in graph.read(project).items() if name.partition("@")[0] == group)
    expected, locked = fresh_stage.outs(project, stage), (project / "dvc.lock").read_bytes()
    for moment in itertools.islice(moments(group, usual_s(project, stage)), count):
        output = kill(project, stage, moment)
        case = f"{stage.name}, {moment}: {output}"
        _, alive = psutil.wait_procs(working_in(project), timeout=60)
        assert alive == [], case
        assert fresh_stage.outs(project, stage).items() <= expected.items(), case
        assert fresh_stage.torn_objects(project) == [], case
        assert "Traceback" not in INTERPRETER_STARTS.sub("", output), case
        runs.repro(project, stage.name)
        assert fresh_stage.outs(project, stage) == expected, case
        assert (project / "dvc.lock").read_bytes() == locked, case
        assert fresh_stage.left_over(project) == [], case
        assert events.check(project) == [], case
        assert verification.verify(project).errors == [], case


@pytest.mark.parametrize("group", SHORT)
def test_a_kill_at_a_seeded_moment(finished_run, tmp_path, group):
    check(fresh_stage.copy(finished_run, tmp_path / "project"), group, 1)


@pytest.mark.long
@pytest.mark.parametrize("group", GROUPS)
def test_kills_at_seeded_moments_of_any_stage(finished_run, tmp_path, group):
    check(fresh_stage.copy(finished_run, tmp_path / "project"), group, MOMENTS)
