import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

import psutil
import pytest

from flows.processes.process_groups import ProcessGroups
from flows.processes.run_lock import exclusive_run
from flows.processes.stage_errors import StageFailedError
from flows.processes.stage_process import StageProcesses
from tasks.runtime.errors import BreathlineError
from tests import toy
from tests.waiting import wait_until

# Ignores INT and TERM, says who it is, and would live for ten minutes.
STUBBORN = (
    "import os, signal, time; [signal.signal(n, signal.SIG_IGN) for n in (signal.SIGINT, signal.SIGTERM)];"
    "print(os.getpid(), flush=True); time.sleep(600)"
)


def run(folder: Path, script: str, grace_s: float = 0.3) -> tuple[int, list[str]]:
    """Run a shell script in a process group, and return its status and its lines."""
    lines: list[str] = []
    return ProcessGroups(grace_s).run(["sh", "-c", script], folder, log=lines.append).status, lines


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_lines_and_status_and_the_python_of_the_environment(tmp_path):
    status, lines = run(tmp_path, "echo one; echo two >&2; pwd; command -v python; exit 3")
    assert (status, lines) == (3, ["one", "two", str(tmp_path), str(Path(sys.executable).with_name("python"))])


def test_processes_that_a_command_leaves_behind_are_ended(tmp_path):
    _, (pid,) = run(tmp_path, "sleep 600 >/dev/null 2>&1 & echo $!")
    assert has_ended(int(pid))


@pytest.mark.slow
def test_end_kills_processes_that_ignore_int_and_term(tmp_path):
    groups, started, status = ProcessGroups(grace_s=0.3), SimpleQueue[str](), []
    command = ["sh", "-c", f'{sys.executable} -c "{STUBBORN}"; true']
    thread = threading.Thread(target=lambda: status.append(groups.run(command, tmp_path, log=started.put).status))
    thread.start()
    pid = int(started.get(timeout=60))
    groups.end()
    thread.join(60)
    assert has_ended(pid)
    assert [number != 0 for number in status] == [True]
    with pytest.raises(StageFailedError, match="ending"):
        groups.run(["true"], tmp_path, log=print)


def test_after_a_kill_the_run_does_not_wait_for_child_processes(tmp_path):
    # As a stage that goes on when dvc is killed, its output still open; the limit of a test ends a run that waits.
    status, (pid,) = run(tmp_path, "sleep 3600 & echo $!; kill -9 $$")
    assert status == 128 + signal.SIGKILL
    assert has_ended(int(pid))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_groups_end_when_their_flow_dies(tmp_path, number):
    flow = (
        "import sys; from pathlib import Path; from flows.processes.process_groups import ProcessGroups;"
        "ProcessGroups().run([sys.executable, '-c', sys.argv[1]], Path.cwd(), log=lambda line: print(line, flush=True))"
    )
    command = [sys.executable, "-c", flow, STUBBORN.replace("SIG_IGN", "SIG_DFL")]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.send_signal(number)
    wait_until(lambda: has_ended(pid))


@pytest.mark.slow
def test_a_failed_stage_shows_the_end_of_its_log(tmp_path):
    folder = toy.make(tmp_path, "stages:\n  bad:\n    cmd: seq 100 && echo the cause && exit 7\n    outs: [x]\n")
    with pytest.raises(StageFailedError, match=r"stage bad failed(.|\n)*\| 100\n.*the cause") as caught:
        StageProcesses().run_stage("bad", folder, log=lambda _: None)
    assert "| 70\n" not in str(caught.value)
    assert caught.value.transient is None


@pytest.mark.slow
def test_a_prestarted_dvc_runs_the_next_stage_and_ends_with_the_run(tmp_path):
    # The shell is the stage's command, DVC its parent. It also cuts off DVC's list of files in use.
    command = "echo $PPID > who.txt && echo > .dvc/tmp/rwlock"
    root = toy.make(tmp_path, f"stages: {{who: {{cmd: {command}, outs: [who.txt]}}}}\n")
    there = living_children()
    groups = StageProcesses()
    groups.prestart()
    ready = prestarted()
    groups.run_stage("who", root, log=print)
    assert int((root / "who.txt").read_text()) == ready
    next_one = prestarted()
    assert next_one != ready
    groups.stop_prestarting()
    wait_until(lambda: has_ended(next_one))
    groups.run_stage("who", root, options=["--force"], log=print)  # starts a DVC of its own
    assert int((root / "who.txt").read_text()) not in {ready, next_one}
    wait_until(lambda: living_children() <= there)  # processes of earlier tests may end meanwhile
    groups.prestart()
    last = prestarted()
    groups.end()
    wait_until(lambda: has_ended(last))
    with pytest.raises(StageFailedError, match="ending"):
        groups.run_stage("who", root, log=print)


def living_children() -> set[int]:
    """Return the ids of all processes that this one and its children have started, but for those that have ended."""
    found = set()
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if one.status() != psutil.STATUS_ZOMBIE:
                found.add(one.pid)
    return found


def prestarted() -> int:
    """Return the id of the prestarted DVC process; its guard starts it in a moment."""
    while True:
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):  # it has just ended
                names = [Path(part).name for part in process.cmdline()[-1:]]
                if process.ppid() == os.getpgid(process.pid) and names == ["prestarted_dvc.py"]:
                    return process.pid
        time.sleep(0.02)


@pytest.mark.slow
def test_a_stage_that_another_dvc_runs_is_busy(tmp_path):
    command = "touch on && while [ ! -e go ]; do sleep 0.1; done && echo > x"
    folder = toy.make(tmp_path, f"stages:\n  slow:\n    cmd: {command}\n    outs: [x]\n")
    with subprocess.Popen(["dvc", "repro", "-q"], cwd=folder, env=toy.ENV) as other:
        while not (folder / "on").exists():
            time.sleep(0.05)
        with pytest.raises(StageFailedError) as caught:
            StageProcesses().run_stage("slow", folder, log=lambda _: None)
        assert caught.value.transient == "busy"
        (folder / "go").touch()
        assert other.wait() == 0
    StageProcesses().run_stage("slow", folder, log=lambda _: None)


def test_a_second_run_and_a_run_inside_a_stage_are_refused(tmp_path, monkeypatch):
    with exclusive_run(tmp_path), pytest.raises(BreathlineError, match="Another"), exclusive_run(tmp_path):
        pass
    monkeypatch.setenv("DVC_STAGE", "evaluate")
    with pytest.raises(BreathlineError, match=r"inside a stage(.|\n)*evaluate"), exclusive_run(tmp_path):
        pass
