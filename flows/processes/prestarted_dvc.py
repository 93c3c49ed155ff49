"""A DVC that has imported all that `dvc repro` needs before it is told what to run.

Started by its path, ahead of time, while other stages are at work. One line of JSON on its standard input is its order:
``{"root": …, "arguments": […], "env": {…}}``. Without one, at the end of the input, it ends.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from contextlib import suppress
from importlib import import_module

# What DVC imports only in the midst of the command.
LATE = (
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
    """Wait for the order, and return the exit status of the DVC command that it names."""
    for name in LATE:
        # Another version of DVC may do without.
        with suppress(ImportError):
            import_module(name)
    line = sys.stdin.readline()
    if not line:
        return 0
    order = json.loads(line)
    # What the command starts must not hold the pipe.
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.environ.update(order["env"])
    os.chdir(order["root"])
    from dvc.cli import main as dvc

    return int(dvc(order["arguments"]))


if __name__ == "__main__":
    status = main()
    # At once: Python would take apart all that was imported, while the next stage waits.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
