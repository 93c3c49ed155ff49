"""Git and DVC commands that move commits and data, each in a process group that ends with the run."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.processes.process_groups import Log, ProcessGroups
from flows.processes.stage_errors import StageFailedError, Transient, is_busy

# Messages of Git, DVC and their libraries that mean a fault of the network.
NETWORK_FAULT = re.compile(
    "could not resolve host|name resolution|connection refused|connection reset|timed out|network is unreachable|"
    "no route to host|remote end hung up|service unavailable|bad gateway",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class TransferCommands:
    """Runs the commands that move a stage between machines; a failed command raises a `StageFailedError`.

    Attributes:
        root: Folder of the project, or of a worker's clone.
        processes: Processes of the run.
        log: Function that takes each line of the output.
    """

    root: Path
    processes: ProcessGroups
    log: Log

    def git(self, *arguments: str) -> None:
        """Run a Git command that may take long."""
        # Nobody is there to type a password.
        self._run("git", ["git", "-c", "gc.auto=0", *arguments], {"GIT_TERMINAL_PROMPT": "0"})

    def dvc(self, *arguments: str) -> None:
        """Run a DVC command, which waits for DVC's lock."""
        self._run("dvc", [str(Path(sys.executable).with_name("dvc")), "--wait-for-lock", *arguments], {})

    def _run(self, program: str, command: Sequence[str], env: dict[str, str]) -> None:
        completed = self.processes.run(command, self.root, env=env, log=self.log)
        if completed.status == 0:
            return
        action = next(word for word in command[1:] if word in {"push", "pull", "fetch"})
        transient: Transient | None = "network" if NETWORK_FAULT.search(completed.tail) else None
        raise StageFailedError(
            f"`{program} {action}` failed:\n{completed.tail}",
            transient="busy" if is_busy(completed.tail) else transient,
            where=self.root,
            hint="check that the remote exists and that this account may use it",
        )
