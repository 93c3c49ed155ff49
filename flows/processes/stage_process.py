"""One stage by `dvc repro --single-item`, in a process group that ends as a whole."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from flows.processes import prestarted_dvc, process_guard
from flows.processes.process_groups import Completed, Log, ProcessGroups
from flows.processes.stage_errors import StageFailedError, Transient, is_busy
from lineage.adoption import adopt_from_workspaces
from tasks.runtime.stage import transient_mark


class StageProcesses(ProcessGroups):
    """Process groups of a run that also run stages by DVC.

    After `prestart`, one DVC process imports its modules ahead of the next stage, while other stages run.
    """

    def __init__(self, grace_s: float = 5.0) -> None:
        super().__init__(grace_s)
        self._prestarted: subprocess.Popen[str] | None = None
        self._prestarting = False

    def prestart(self) -> None:
        """Keep one DVC process ready for the next stage from now on."""
        with self._lock:
            self._prestarting = True
            if self._prestarted is None and not self._ended:
                self._prestarted = self._start_dvc()

    def stop_prestarting(self) -> None:
        """End the DVC process that is ready; start none in its place."""
        with self._lock:
            self._prestarting = False
            process, self._prestarted = self._prestarted, None
        if process is not None:
            self.kill(process)

    def end(self) -> None:
        """End every group with INT, then TERM, then KILL; return when no process of them is left."""
        with self._lock:
            self._ended = True
        self.stop_prestarting()
        super().end()

    def run_stage(
        self, stage: str, root: Path, *, options: Sequence[str] = (), env: Mapping[str, str] | None = None, log: Log
    ) -> None:
        """Run one stage to its end, with further options of ``dvc repro`` (such as ``--force``) and variables."""
        mark = root / transient_mark(stage)
        mark.unlink(missing_ok=True)
        arguments = ["--wait-for-lock", "repro", "--single-item", *options, stage]
        completed = self._run_dvc({"root": str(root.resolve()), "arguments": arguments, "env": dict(env or {})}, log)
        if completed.status == 0:
            adopt_from_workspaces(root, stage)
            return
        transient: Transient | None = "network" if mark.exists() else None
        raise StageFailedError(
            f"The stage {stage} failed. The end of its log:\n{completed.tail}",
            transient="busy" if is_busy(completed.tail) else transient,
            hint=f"correct the cause, then run again; by itself: `dvc repro --single-item {stage}`",
        )

    def _run_dvc(self, order: Mapping[str, object], log: Log) -> Completed:
        with self._lock:
            process = self._prestarted or self._start_dvc()
            self._prestarted = self._start_dvc() if self._prestarting else None
        # A process that has died meanwhile reports it by its status.
        with suppress(BrokenPipeError):
            (process.stdin or sys.stdout).write(json.dumps(order) + "\n")
            (process.stdin or sys.stdout).flush()
        return self.follow(process, log)

    def _start_dvc(self) -> subprocess.Popen[str]:
        return self.start([process_guard.FORWARD_LINE, sys.executable, "-P", prestarted_dvc.__file__], Path(), {})
