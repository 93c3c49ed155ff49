import json
import subprocess
import sys

import pytest

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


def test_help_needs_nothing_heavy_and_lists_every_command(tmp_path):
    status, printed, log = breathline(tmp_path, "--help")
    assert status == 0
    assert "heavy: []" in log
    commands = ("run", "plan", "recipe", "leaderboard", "models", "report", "doctor")
    assert all(f" {name} " in printed for name in commands)


SLOW = pytest.mark.slow  # a process each: 1 s


@pytest.mark.parametrize(
    "arguments",
    [["run"], pytest.param(["plan"], marks=SLOW), pytest.param(["run", "--dry", "--force", "last"], marks=SLOW)],
)
def test_plan_and_a_run_with_nothing_to_do_need_no_prefect(finished, arguments):
    status, printed, log = breathline(finished, *arguments)
    assert status == 0, log
    assert "heavy: []" in log
    assert ("1 of 4 stages run" if "--dry" in arguments else "All stages are up to date") in printed


def test_the_plan_as_json(finished):
    status, printed, _ = breathline(finished, "plan", "--json", "--target", "teacher@a", "--force", "teacher")
    assert status == 0
    assert [(step["stage"], step["runs"], step["reasons"]) for step in json.loads(printed)] == [
        ("first", False, []),
        ("teacher@a", True, ["forced"]),
    ]


def test_a_user_error_is_shown_without_a_traceback(finished, tmp_path):
    status, _, log = breathline(tmp_path, "plan")
    assert status == 1
    assert "The folder is no DVC project." in log
    assert "Traceback" not in log
    status, _, log = breathline(finished, "run", env=toy.ENV | {"DVC_STAGE": "evaluate"})
    assert status == 1
    assert "cannot start inside a stage" in log
