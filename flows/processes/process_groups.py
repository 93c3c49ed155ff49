"""Process groups of a run: guarded commands, their output, and their end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from flows.processes import process_guard
from flows.processes.stage_errors import StageFailedError, quote

TAIL_LINES = 25
KILLED_S = 10.0  # longest time that a killed process is waited for: one that waits for a disk ends later
NO_TELEMETRY = {
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
# Advice that DVC prints after every stage; it would fill the log of a flow.
DVC_ADVICE = (
    "To track the changes with git",
    "git add ",
    "To enable auto staging",
    "dvc config core.autostage",
    "Use `dvc push`",
)
Log = Callable[[str], None]


@dataclass(frozen=True)
class Completed:
    """A command that has ended.

    Attributes:
        status: Exit status, as a shell gives it.
        tail: Last lines of the output, quoted for an error message.
    """

    status: int
    tail: str


class ProcessGroups:
    """Process groups that one run has started; `end` ends them all, and no other starts afterwards.

    As a context manager, it ends them with the context.

    Args:
        grace_s: Time that a group may take after INT, and again after TERM, in seconds.
    """

    def __init__(self, grace_s: float = 5.0) -> None:
        self._grace_s = grace_s
        self._running: set[int] = set()
        self._lock = threading.RLock()
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Reached by Ctrl-C, by SIGTERM (Prefect raises it in the flow) and by any error: no stage outlives its flow.
        self.end()

    @property
    def ended(self) -> bool:
        """True if the run is over, so that nothing starts any more."""
        return self._ended

    def run(self, command: Sequence[str], cwd: Path, *, env: Mapping[str, str] | None = None, log: Log) -> Completed:
        """Run a command in a process group of its own to the end of the whole group; log each line of its output."""
        return self.follow(self.start(command, cwd, env or {}), log)

    def start(self, command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[str]:
        """Start a command under guard, as the leader of a new group, unless the run is ending."""
        # Stages start as `python -m …`: this environment's python comes first. COLUMNS: no log line is cut at 80.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        with self._lock:
            if self._ended:
                raise StageFailedError("The run is ending; no other command starts.")
            process = subprocess.Popen(  # noqa: S603 - DVC, Git or Prefect: callers pass a list, and no shell reads it
                [sys.executable, process_guard.__file__, *command],
                cwd=cwd,
                env=os.environ | NO_TELEMETRY | {"PATH": path, "COLUMNS": "160", **env},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process.pid)
        return process

    def follow(self, process: subprocess.Popen[str], log: Log) -> Completed:
        """Pass each line that a command prints to ``log`` until its whole group has ended."""
        tail: deque[str] = deque(maxlen=TAIL_LINES)
        with process:
            # A stage whose dvc was killed would hold the output open, and the loop with it, until its own end.
            threading.Thread(target=self._end_after_leader, args=(process,), daemon=True).start()
            try:
                for line in process.stdout or ():
                    if line.strip() and not line.lstrip().startswith(DVC_ADVICE):
                        tail.append(line.rstrip())
                        log(line.rstrip())
                return Completed(process.wait(), quote(tail))
            finally:
                end_groups({process.pid}, self._grace_s)
                self._forget(process)

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kill the group of a process that has nothing to finish."""
        with process, suppress(ProcessLookupError, PermissionError):  # macOS refuses a signal to a group that has ended
            os.killpg(process.pid, signal.SIGKILL)
        self._forget(process)

    def end(self) -> None:
        """End every group with INT, then TERM, then KILL; return when no process of them is left."""
        with self._lock:
            self._ended = True
            running = set(self._running)
        end_groups(running, self._grace_s)

    def _end_after_leader(self, process: subprocess.Popen[str]) -> None:
        """Wait for the leader of a group, then end the rest of the group."""
        process.wait()
        end_groups({process.pid}, self._grace_s)

    def _forget(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.discard(process.pid)


def end_groups(groups: set[int], grace_s: float) -> None:
    """End all processes of some groups: INT, after a grace period TERM, after another KILL.

    Return when all have ended, or `KILLED_S` after KILL.
    """
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            if not _signal(groups, number):
                return
            if _end_within(groups, grace_s):
                return
    finally:
        # Also when a second Ctrl-C cuts the grace short.
        if _signal(groups, signal.SIGKILL):
            _end_within(groups, KILLED_S)


def _end_within(groups: set[int], seconds: float) -> bool:
    """Wait until all processes of some groups have ended; return whether they have in time."""
    deadline = time.monotonic() + seconds
    while _alive(groups):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _signal(groups: set[int], number: signal.Signals) -> bool:
    """Signal the groups that are alive, and return whether any is."""
    alive = _alive(groups)
    for group in alive:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
    return bool(alive)


def _alive(groups: set[int]) -> set[int]:
    """Return the groups with a process that is no zombie."""
    alive = set()
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, PermissionError, psutil.Error):  # of another user, on macOS
            group = os.getpgid(process.pid)
            if group in groups and process.status() != psutil.STATUS_ZOMBIE:
                alive.add(group)
    return alive
