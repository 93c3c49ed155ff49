"""Git and DVC carry commits and data: each command in a process group that ends with the run."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.processes.stage_process import BUSY, TAIL_LINES, Groups, StageFailedError

# What Git, DVC and their libraries say when it is the network's fault.
NETWORK = (
    "could not resolve host",
    "name resolution",
    "connection refused",
    "connection reset",
    "connection timed out",
    "timed out",
    "network is unreachable",
    "no route to host",
    "remote end hung up",
    "service unavailable",
    "bad gateway",
)


@dataclass(frozen=True)
class Transfers:
    """Runs the commands that move a stage between machines.

    Attributes:
        root: The project, or a worker's clone of it.
        groups: The processes of the run.
        log: Takes a line of their output.
    """

    root: Path
    groups: Groups
    log: Callable[[str], None]

    def git(self, *arguments: str) -> None:
        """Run a Git command that may take long.

        Raises:
            StageFailedError: It failed; the error holds what it said.
        """
        # Nobody is there to type a password.
        self._run("git", ["git", "-c", "gc.auto=0", *arguments], {"GIT_TERMINAL_PROMPT": "0"})

    def dvc(self, *arguments: str) -> None:
        """Run a DVC command, which waits for DVC's lock.

        Raises:
            StageFailedError: It failed; the error holds what it said.
        """
        self._run("dvc", [str(Path(sys.executable).with_name("dvc")), "--wait-for-lock", *arguments], {})

    def _run(self, program: str, command: Sequence[str], env: dict[str, str]) -> None:
        tail: deque[str] = deque(maxlen=TAIL_LINES)

        def note(line: str) -> None:
            tail.append(line)
            self.log(line)

        if self.groups.run(command, self.root, env=env, log=note) == 0:
            return
        what = next(word for word in command[1:] if word in {"push", "pull", "fetch"})
        end = "\n".join(f"  | {line}" for line in tail)
        failure = StageFailedError(
            f"`{program} {what}` failed:\n{end}",
            where=self.root,
            hint="look whether the remote is there, and may be used",
        )
        if any(phrase in end for phrase in BUSY):
            failure.passing = "busy"
        elif any(phrase in end.lower() for phrase in NETWORK):
            failure.passing = "network"
        raise failure
