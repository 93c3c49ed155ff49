"""DVC process that imports its modules before it knows which command to run.

A flow starts it by path, ahead of time, while other stages run. It then reads one line of JSON from its standard input:
``{"root": …, "arguments": […], "env": {…}}``. It ends without a command when the input ends.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from contextlib import suppress
from importlib import import_module

# Modules that DVC imports only while the command runs.
LATE_IMPORTS = (
    "configobj",
    "dulwich.worktree",
    "dvc.cachemgr",
    "dvc.cli.parser",
    "dvc.commands.repro",
    "dvc.data_cloud",
    "dvc.dependency",
    "dvc.lock",
    "dvc.repo.artifacts",
    "dvc.repo.datasets",
    "dvc.repo.metrics",
    "dvc.repo.open_repo",
    "dvc.repo.params",
    "dvc.repo.plots",
    "dvc.repo.reproduce",
    "dvc.repo.scm_context",
    "dvc.repo.stage",
    "dvc.rwlock",
    "dvc.scm",
    "dvc.stage.cache",
    "dvc.stage.loader",
    "dvc.stage.run",
    "dvc.utils.strictyaml",
    "dvc_data.hashfile.build",
    "dvc_data.hashfile.db.local",
    "dvc_data.hashfile.status",
    "dvc_render",
    "fsspec.implementations.memory",
    "platformdirs",
    "pyparsing",
    "ruamel.yaml",
    "scmrepo.git",
)


def main() -> int:
    """Wait for a command, run it and return its exit status."""
    for name in LATE_IMPORTS:
        # Another version of DVC may lack the module.
        with suppress(ImportError):
            import_module(name)
    line = sys.stdin.readline()
    if not line:
        return 0
    order = json.loads(line)
    # Processes that the command starts must not hold the pipe.
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.environ.update(order["env"])
    os.chdir(order["root"])
    from dvc.cli import main as dvc

    return int(dvc(order["arguments"]))


if __name__ == "__main__":
    status = main()
    # At once: Python would first clear all imported modules, while the next stage waits.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
