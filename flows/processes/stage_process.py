"""One stage by `dvc repro --single-item`, in a process group that ends as a whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from flows.processes import prestarted_dvc, process_guard
from flows.processes.process_groups import end_groups
from lineage.adoption import adopt_from_workspaces
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import transient_mark

TAIL_LINES = 25
ENDING = "The run is ending; nothing starts any more."
# What DVC tells after every stage; a flow's log would be full of it.
NOISE = (
    "To track the changes with git",
    "git add ",
    "To enable auto staging",
    "dvc config core.autostage",
    "Use `dvc push`",
)
# What DVC says when another DVC process holds its lock or a file that the stage needs.
BUSY = ("is busy, it is being blocked by", "Unable to acquire lock")
QUIET = {
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


class StageFailedError(BreathlineError):
    """A stage ended with an error; its message holds the end of the log.

    Attributes:
        passing: What may be over in a moment, so that the stage is worth another try as it stands: `busy` (another
            process holds a lock that DVC needs) or `network`. None for all else.
    """

    passing: Literal["busy", "network"] | None = None


@contextmanager
def only_run(root: Path) -> Iterator[None]:
    """Hold the project for one run: a second one is refused while the first lives.

    Raises:
        BreathlineError: Another run holds the project, or this process is itself part of a stage.
    """
    if "DVC_STAGE" in os.environ:
        raise BreathlineError(
            "A run cannot start inside a stage.",
            where=f"DVC_STAGE={os.environ['DVC_STAGE']}",
            hint="start it from a shell of your own, not from a stage's command",
        )
    lock = FileLock(root.resolve() / ".locks" / "run.lock")
    (root / ".locks").mkdir(exist_ok=True)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BreathlineError(
            "Another `breathline run` is at work in this project.", where=lock.lock_file, hint="wait until it has ended"
        ) from error
    try:
        yield
    finally:
        lock.release()


class Groups:
    """The process groups that one flow has started; `end` ends them all, and no other starts after it.

    Args:
        grace_s: How long a group may take after INT, and again after TERM, in seconds.
    """

    def __init__(self, grace_s: float = 5.0) -> None:
        self._grace_s = grace_s
        self._running: set[int] = set()
        self._spare: subprocess.Popen[str] | None = None
        self._ahead = False
        self._lock = threading.RLock()
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether nothing starts any more, for the run is over."""
        return self._ended

    def run_stage(
        self,
        stage: str,
        root: Path,
        *,
        options: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        log: Callable[[str], None],
    ) -> None:
        """Run one stage to its end and hand each line of its output to ``log``.

        Args:
            stage: Its name, as DVC knows it.
            root: The project.
            options: More options of ``dvc repro``, such as ``--force``.
            env: What the stage finds in its environment besides this process's own.
            log: Takes a line.

        Raises:
            StageFailedError: The stage ended with an error.
        """
        arguments = ["--wait-for-lock", "repro", "--single-item", *options, stage]
        mark = root / transient_mark(stage)
        mark.unlink(missing_ok=True)
        tail: deque[str] = deque(maxlen=TAIL_LINES)

        def note(line: str) -> None:
            tail.append(line)
            log(line)

        status = self._tell({"root": str(root.resolve()), "arguments": arguments, "env": dict(env or {})}, note)
        if status == 0:
            adopt_from_workspaces(root, stage)
            return
        end = "\n".join(f"  | {line}" for line in tail)
        failure = StageFailedError(
            f"The stage {stage} failed. The end of its log:\n{end}",
            hint=f"mend the cause, then run again; by itself: `dvc repro --single-item {stage}`",
        )
        if any(phrase in end for phrase in BUSY):
            failure.passing = "busy"
        elif mark.exists():
            failure.passing = "network"
        raise failure

    def prepare(self) -> None:
        """Have a DVC stand ready for the next stage, from now until the end: it imports while others are at work."""
        with self._lock:
            self._ahead = True
            if self._spare is None and not self._ended:
                self._spare = self._start_dvc()

    def dismiss(self) -> None:
        """End the DVC that stands ready; none takes its place."""
        with self._lock:
            self._ahead = False
            spare, self._spare = self._spare, None
        if spare is not None:
            # It has only imported; there is nothing that it would have to end well.
            with spare:
                os.killpg(spare.pid, signal.SIGKILL)
            with self._lock:
                self._running.discard(spare.pid)

    def _tell(self, order: Mapping[str, object], log: Callable[[str], None]) -> int:
        """Return the exit status of the DVC command that an order names."""
        with self._lock:
            if self._ended:
                raise StageFailedError(ENDING)
            process = self._spare or self._start_dvc()
            self._spare = self._start_dvc() if self._ahead else None
        # One that is gone by now tells by its status.
        with suppress(BrokenPipeError):
            (process.stdin or sys.stdout).write(json.dumps(order) + "\n")
            (process.stdin or sys.stdout).flush()
        return self._follow(process, log)

    def run(
        self, command: Sequence[str], cwd: Path, *, env: Mapping[str, str] | None = None, log: Callable[[str], None]
    ) -> int:
        """Return the exit status of ``command``, run in a process group of its own; nothing of it lives on after."""
        with self._lock:
            if self._ended:
                raise StageFailedError(ENDING)
            process = self._start(command, cwd, env or {})
        return self._follow(process, log)

    def _start_dvc(self) -> subprocess.Popen[str]:
        return self._start([process_guard.TOLD, sys.executable, "-P", prestarted_dvc.__file__], Path(), {})

    def _start(self, command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[str]:
        """Start a command under guard; it is one of the groups from then on."""
        # Stages start as `python -m …`: this environment's python comes first. COLUMNS: no log line is cut at 80.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        process = subprocess.Popen(
            [sys.executable, process_guard.__file__, *command],
            cwd=cwd,
            env=os.environ | QUIET | {"PATH": path, "COLUMNS": "160", **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._running.add(process.pid)
        return process

    def _follow(self, process: subprocess.Popen[str], log: Callable[[str], None]) -> int:
        """Hand each line that a command prints to ``log``, and return its exit status."""
        with process:
            # A stage that goes on when dvc is killed would hold the output open, and the loop with it, until its end.
            threading.Thread(target=self._end_what_is_left, args=(process,), daemon=True).start()
            try:
                for line in process.stdout or ():
                    if line.strip() and not line.lstrip().startswith(NOISE):
                        log(line.rstrip())
                return process.wait()
            finally:
                end_groups({process.pid}, self._grace_s)
                with self._lock:
                    self._running.discard(process.pid)

    def _end_what_is_left(self, process: subprocess.Popen[str]) -> None:
        """Wait for a group's leader, then end the rest of the group."""
        process.wait()
        end_groups({process.pid}, self._grace_s)

    def end(self) -> None:
        """End every group with INT, then TERM, then KILL; return when nothing of them is left."""
        with self._lock:
            self._ended = True
        self.dismiss()
        with self._lock:
            running = set(self._running)
        end_groups(running, self._grace_s)
