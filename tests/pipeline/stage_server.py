"""Stages as forked processes of one process that has imported their modules, on disks that only it sees.

`Stages` starts this module in a folder with a project. The process reads one JSON object a line: a command, or a
stage with its environment and limits. A forked stage runs as by its launcher, but imports nothing slow.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from tests import disks, toy


class Stages:
    """The client: runs stages and shell commands in a process with mounts of its own."""

    def __init__(self, project: Path) -> None:
        command = [*disks.prefix(), sys.executable, "-m", "tests.pipeline.stage_server"]
        pipe = subprocess.PIPE
        # COLUMNS: no message is cut in the middle of a path.
        env = toy.ENV | {"COLUMNS": "400"}
        self._process = subprocess.Popen(command, cwd=project, env=env, stdin=pipe, stdout=pipe, text=True)
        # The project with the mounts of the process.
        self.seen = Path(f"/proc/{self._process.pid}/root{project.resolve()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.stdin.close()  # type: ignore[union-attr]

    def shell(self, command: str) -> str:
        """Run a shell command in the project, which must succeed, and return its output."""
        status, output = self.call(["sh", "-c", command])
        assert status == 0, f"{command}: {output}"
        return output

    def call(self, command: Sequence[str], env: Mapping[str, str] = {}) -> tuple[int, str]:
        """Run a command in the project, and return its exit status and its output."""
        return self._ask({"command": [*command], "env": dict(env)})

    def run(self, stage: str, *, env: Mapping[str, str] = {}, limits: Mapping[str, int] = {}) -> tuple[int, str]:
        """Run a stage by its name, and return its exit status and its output."""
        return self._ask({"stage": stage, "env": dict(env), "limits": dict(limits)})

    def _ask(self, order: dict[str, Any]) -> tuple[int, str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, "the server of stages has ended"
        status, output = json.loads(line)
        return status, output


def serve() -> None:
    """Answer each order with an exit status and the output."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    root = Path.cwd()
    for line in sys.stdin:
        order = json.loads(line)
        os.chdir(root)  # again, because a disk may have been mounted there
        with tempfile.TemporaryFile(dir="/dev/shm") as output:
            if "command" in order:
                env = os.environ | order["env"]
                status = subprocess.run(order["command"], env=env, stdout=output, stderr=output, check=False).returncode
            else:
                preload(order["stage"])
                status = fork(order, output.fileno())
            output.seek(0)
            print(json.dumps([status, output.read().decode(errors="replace")]), file=answers, flush=True)


def preload(stage: str) -> None:
    """Import what a stage and its launcher import, so that the forked stage does not."""
    for name in (
        "cli.stage_launcher",
        "lineage.recorder",
        f"tasks.{stage.partition('@')[0].removesuffix('_external')}",
    ):
        import_module(name)


def fork(order: dict[str, Any], output: int) -> int:
    """Run a stage in a forked process, and return its exit status as a shell gives it."""
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.environ.update(order["env"])
            for name, limit in order["limits"].items():
                resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (limit, limit))
            status = run(order["stage"])
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    number = os.waitstatus_to_exitcode(status)
    return number if number >= 0 else 128 - number


def run(name: str) -> int:
    """Run the launcher of stages, and return the status with which it ends."""
    from cli import stage

    # The modules of the tests are no part of the stage, whose record would have to hold them.
    for module in [name for name in sys.modules if name.partition(".")[0] in ("tests", "__mp_main__")]:
        del sys.modules[module]
    sys.modules["__main__"] = stage
    sys.argv = ["stage", name]
    try:
        stage.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    serve()
