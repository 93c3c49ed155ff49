"""DVC process that imports its modules before it receives a command.

A flow starts this file in advance, while other stages run. It then reads one line of JSON from its standard input:
``{"root": …, "arguments": […], "env": {…}}``. If the input ends first, the process ends.
"""

import json
import logging
import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from flows.processes import files_in_use

# Modules that DVC imports only while the command runs.
LATE_IMPORTS = Path(__file__).with_name("late_imports.json")


def main() -> int:
    """Wait for a command, run it and return its exit status."""
    for name in json.loads(LATE_IMPORTS.read_text(encoding="utf-8")):
        # Another version of DVC may lack the module.
        with suppress(ImportError):
            import_module(name)
    line = sys.stdin.readline()
    if not line:
        return 0
    command = json.loads(line)
    # Processes that the command starts must not inherit the pipe.
    with open(os.devnull, "rb") as devnull:
        os.dup2(devnull.fileno(), 0)
    os.environ.update(command["env"])
    os.chdir(command["root"])
    from dvc.cli import main as dvc

    files_in_use.keep_whole()
    return int(dvc(command["arguments"]))


if __name__ == "__main__":
    status = main()
    # Exit without Python's own clean-up of all imported modules, for which the next stage would wait.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
