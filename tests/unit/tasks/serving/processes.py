"""Server processes: the command `breathline serve-model` on a free port of loopback."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

PROGRAM = "from cli.start import main; main(prog_name='breathline')"
ROOT = Path(__file__).parents[4]


@dataclass
class Process:
    """Process of a server, with its port and its folder for temporary files."""

    popen: subprocess.Popen
    port: int
    folder: Path
    log: Path

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def memory(self):
        """Return the resident memory in MB."""
        return psutil.Process(self.popen.pid).memory_info().rss / 2**20

    def files(self):
        """Return the files and folders of uploads."""
        return list(self.folder.glob("breathline-serve-*/*"))

    def lines(self):
        return self.log.read_text(encoding="utf-8").splitlines()


def process(folder, model, *options, **environment):
    """Yield the process of a server that is ready.

    Args:
        folder: Folder of its temporary files and its log.
        model: Folder of the model.
        options: Further options of the command.
        environment: Further variables of its environment.
    """
    command = [sys.executable, "-c", PROGRAM, "serve-model", str(model), "--port", "0", *options]
    return served(folder, command, **environment)


@contextmanager
def served(folder, command, **environment):
    """Yield the process of a command that serves, when it is ready."""
    log = folder / "log"
    env = os.environ | {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT), "COLUMNS": "200", **environment}
    with log.open("wb") as errors:
        popen = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, cwd=folder, env=env)
    try:
        found = re.search(rb"http://127\.0\.0\.1:(\d+)", popen.stdout.readline())
        assert found, log.read_text(encoding="utf-8")
        one = Process(popen, int(found.group(1)), folder, log)
        httpx.get(f"{one.url}/readyz", timeout=60, trust_env=False).raise_for_status()
        yield one
    finally:
        with suppress(ProcessLookupError):
            popen.send_signal(signal.SIGKILL)
        popen.wait()
        popen.stdout.close()
