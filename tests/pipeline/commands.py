"""The command line as a process of its own, and what it leaves on the session's server."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.waiting import wait_until


def breathline(folder: Path, env: Mapping[str, str], *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Start `breathline` in a project, with options of `Popen`; what it prints, errors with it, is piped."""
    command = [sys.executable, "-c", "from cli.main import app; app()", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=env, text=True, stdout=pipe, stderr=subprocess.STDOUT, **options)


def finish(process: subprocess.Popen[str], timeout_s: float = 300) -> tuple[int, str]:
    """Wait for the end of a process and return its exit status and what it printed."""
    printed, _ = process.communicate(timeout=timeout_s)
    return process.returncode, printed


def succeed(process: subprocess.Popen[str], timeout_s: float = 300) -> str:
    """Wait for the end of a process, which must be a success, and return what it printed."""
    status, printed = finish(process, timeout_s)
    assert status == 0, printed
    return printed


def noted(file: Path, run: subprocess.Popen[str]) -> psutil.Process:
    """Wait until a stage of a run has written its process number into a file, and return its process."""
    while not (file.exists() and file.read_text(encoding="utf-8").strip()):
        assert run.poll() is None, finish(run)
        time.sleep(0.1)
    return psutil.Process(int(file.read_text(encoding="utf-8")))


def eventually(what: Callable[[], object], seconds: float = 240) -> None:
    """Wait until something holds, and fail if it does not in time."""
    wait_until(what, seconds, pause_s=0.3)


def ended(processes: list[psutil.Process], seconds: float = 60) -> bool:
    """Return whether processes end in time; zombies have ended."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return all(process.status() == psutil.STATUS_ZOMBIE for process in alive)


def group(stage: psutil.Process) -> list[psutil.Process]:
    """Return the processes in the process group of a stage."""
    number, found = os.getpgid(stage.pid), []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError):  # it has just ended
            if os.getpgid(process.pid) == number:
                found.append(process)
    return found


def artifact(key: str) -> Any:
    """Return the latest artifact that a flow has published under a key."""
    from prefect.artifacts import Artifact

    return Artifact.get(key)


def working_in(folder: Path) -> list[psutil.Process]:
    """Return the processes that work in a project, whoever started them."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found
