import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from cli.main import app
from tests import toy

PROGRAM = """
import sys
from cli.main import app
try:
    app()
finally:
    heavy = sorted({"prefect", "torch", "great_expectations"} & set(sys.modules))
    print("heavy:", heavy, file=sys.stderr)
"""


def breathline(folder, *arguments, env=None):
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, cwd=folder, env=env or toy.ENV, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = toy.make(tmp_path_factory.mktemp("toy"))
    toy.call(folder, "dvc", "repro", "--quiet")
    return folder


@pytest.mark.slow
def test_help_needs_nothing_heavy_and_lists_every_command(tmp_path):
    status, printed, log = breathline(tmp_path, "--help")
    assert status == 0
    assert "heavy: []" in log
    commands = ("run", "plan", "recipe", "leaderboard", "models", "report", "doctor")
    assert all(f" {name} " in printed for name in commands)


def commands(group: TyperGroup) -> Iterator[TyperCommand]:
    """Yield the commands of a group and of the groups in it."""
    for command in group.commands.values():
        if isinstance(command, TyperGroup):
            yield from commands(command)
        else:
            yield command


def test_help_breaks_lines_at_the_width_and_gives_each_example_a_line():
    found = list(commands(get_command(app)))
    assert len(found) >= 20
    for command in found:
        assert "\n" not in command.help.replace("\n\n", ""), command.name
        assert command.epilog.splitlines()[1] in ("Example:", "Examples:"), command.name
    printed = CliRunner().invoke(app, ["audit", "trace", "--help"], env={"COLUMNS": "80"}).output
    assert "\n   breathline audit trace data/student/1 --all   " in printed


SLOW = pytest.mark.slow  # a process each: 1 s


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [["run"], pytest.param(["plan"], marks=SLOW), pytest.param(["run", "--dry", "--force", "last"], marks=SLOW)],
)
def test_plan_and_a_run_with_nothing_to_do_need_no_prefect(finished, arguments):
    status, printed, log = breathline(finished, *arguments)
    assert status == 0, log
    assert "heavy: []" in log
    assert ("1 of 4 stages run" if "--dry" in arguments else "All stages are up to date") in printed


@pytest.mark.slow
def test_the_plan_as_json(finished):
    status, printed, _ = breathline(finished, "plan", "--json", "--target", "teacher@a", "--force", "teacher")
    assert status == 0
    assert [(step["stage"], step["runs"], step["reasons"]) for step in json.loads(printed)] == [
        ("first", False, []),
        ("teacher@a", True, ["forced"]),
    ]


@pytest.mark.slow
def test_a_user_error_is_shown_without_a_traceback(finished, tmp_path):
    status, _, log = breathline(tmp_path, "plan")
    assert status == 1
    assert "The folder is no DVC project." in log
    assert "Traceback" not in log
    status, _, log = breathline(finished, "run", env=toy.ENV | {"DVC_STAGE": "evaluate"})
    assert status == 1
    assert "cannot start inside a stage" in log
