"""Commands as another user, who may read everything and change nothing of ours."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import toy

NOBODY = 65534
# Several commands in one process, because each start takes a second.
RUNNER = """
import json, sys
from typer.testing import CliRunner
from cli.main import app
for line in json.loads(sys.argv[1]):
    done = CliRunner().invoke(app, line.split())
    print(json.dumps([line, done.exit_code, done.output, repr(done.exception)]), flush=True)
"""


class Outcome(NamedTuple):
    """Exit status of a command and the text that it printed."""

    status: int
    printed: str


def breathline(folder: Path, lines: Sequence[str], *, trust: bool = True, user: int = NOBODY) -> Mapping[str, Outcome]:
    """Run commands of `breathline` in a folder as another user, and return their outcomes.

    Args:
        folder: Folder of a project that belongs to this user; the other user's home is made beside it.
        lines: Arguments of each command.
        trust: Whether the other user's Git trusts all repositories.
        user: Number of the other user; 0 is root without its right to every file.
    """
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        pytest.skip("another user needs root and setpriv")
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text("[safe]\n\tdirectory = *\n" if trust else "")
    for path in (home, *home.iterdir()):
        shutil.chown(path, user, NOBODY)
    if user:  # the capability lets the user read the packages of this user's environment
        rights = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    else:
        rights = ["--inh-caps=-dac_override,-dac_read_search", "--bounding-set=-dac_override,-dac_read_search"]
    command = [setpriv, "--reuid", str(user), "--regid", str(NOBODY), "--clear-groups", *rights]
    named = {name: value for name, value in toy.ENV.items() if name not in ("LOGNAME", "USER", "LNAME", "USERNAME")}
    env = named | {"HOME": str(home), "GIT_CONFIG_GLOBAL": str(home / ".gitconfig")}
    env |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [*command, sys.executable, "-c", RUNNER, json.dumps(lines)],
        cwd=folder,
        env=env,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    return {line: Outcome(status, f"{printed}\n{error}") for line, status, printed, error in found}
