"""The command line as a process of its own, to be watched, signalled and killed."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path


def breathline(folder: Path, env: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    """Start `breathline` in a project; what it prints, errors with it, is piped."""
    command = [sys.executable, "-c", "from cli.main import app; app()", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=env, text=True, stdout=pipe, stderr=subprocess.STDOUT)


def finish(process: subprocess.Popen[str], timeout_s: float = 120) -> tuple[int, str]:
    """Wait for the end of a process and return its exit status and what it printed."""
    printed, _ = process.communicate(timeout=timeout_s)
    return process.returncode, printed


def eventually(what: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something holds, and fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.3)
