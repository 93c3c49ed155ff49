"""DVC process that imports its modules before it knows which command to run.

A flow starts it by path, ahead of time, while other stages run. It then reads one line of JSON from its standard input:
``{"root": …, "arguments": […], "env": {…}}``. It ends without a command when the input ends.
"""

import json
import logging
import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

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
