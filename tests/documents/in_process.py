"""Command lines of `breathline` in this process, as a shell would run them."""

import re
import shlex
import subprocess
from pathlib import Path

from typer.testing import CliRunner

from cli.main import app

OPERATOR = re.compile(r"\s(?=[|>] ?)")  # before the programs or the file that take the output


def run(line: str) -> tuple[int, str]:
    """Run a command line in the current folder, and return its exit status and all that it printed.

    Args:
        line: Command line; its output may go through other programs, or into a file.
    """
    own, *others = OPERATOR.split(line, maxsplit=1)
    name, *arguments = shlex.split(own)
    assert name == "breathline", line
    home = str(Path.home())
    done = CliRunner().invoke(app, [argument.replace("~", home, 1) for argument in arguments])
    if not others or done.exit_code:
        return done.exit_code, done.output
    further = subprocess.run(
        ["bash", "-c", f"set -o pipefail; cat {others[0]}"],
        input=done.stdout,
        capture_output=True,
        text=True,
        check=False,
    )
    return further.returncode, further.stdout + further.stderr
