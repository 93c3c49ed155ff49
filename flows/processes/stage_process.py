"""One stage by `dvc repro --single-item`, in a process group that ends as a whole."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from flows.processes import prestarted_dvc, process_guard
from flows.processes.process_groups import Completed, Log, ProcessGroups
from flows.processes.stage_errors import StageFailedError, Transient, errors_of_dvc, is_busy
from lineage.adoption import adopt_from_workspaces
from tasks.runtime.disk_errors import DiskError, disk_error_in, disk_errors
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
        """Run one stage to its end, with further options of ``dvc repro`` (such as ``--force``) and variables.

        Raises:
            StageFailedError: The stage failed, or the disk refuses what the run itself writes.
        """
        try:
            with disk_errors():
                self._run_stage(stage, root, options, dict(env or {}), log)
        except DiskError as error:
            what = f"The stage {stage} cannot run. {error.what}"
            raise StageFailedError(what, where=error.where, hint=error.hint) from error

    def _run_stage(self, stage: str, root: Path, options: Sequence[str], env: Mapping[str, str], log: Log) -> None:
        mark = root / transient_mark(stage)
        mark.unlink(missing_ok=True)
        arguments = ["--wait-for-lock", "repro", "--single-item", *options, stage]
        completed = self._run_dvc({"root": str(root.resolve()), "arguments": arguments, "env": env}, log)
        if completed.status == 0:
            adopt_from_workspaces(root, stage)
            return
        transient: Transient | None = "network" if mark.exists() else None
        disk = disk_error_in(errors_of_dvc(completed.tail), root, [database_of_dvc()])
        again = f"correct the cause, then run again; by itself: `dvc repro --single-item {stage}`"
        raise StageFailedError(
            f"The stage {stage} failed.{f' {disk.what}' if disk else ''} The end of its log:\n{completed.tail}",
            transient="busy" if is_busy(completed.tail) else transient,
            where=disk.where if disk else None,
            hint=disk.hint if disk else again,
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


def database_of_dvc() -> Path:
    """Return the folder in which DVC keeps its database of file hashes, unless its configuration names another."""
    from dvc.dirs import site_cache_dir

    return Path(site_cache_dir())
