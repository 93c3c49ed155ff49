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
    files = {name.partition(".")[0]: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
    print("packages:", *sorted(name for name, file in files.items() if "site-packages" in file), file=sys.stderr)
"""
# What a start imports is what it costs: each of numpy, Arrow, pydantic, DVC and Prefect takes 0.1 to 1 s.
TYPER = {"annotated_doc", "annotated_types", "attr", "markdown_it", "mdurl", "pygments", "rich", "shellingham", "typer"}
OPTIONS = {"pydantic", "pydantic_core", "typing_inspection"}  # by which Typer reads options
YAML = {"ruamel", "_ruamel_yaml"}


def breathline(folder, *arguments, env=None):
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, cwd=folder, env=env or toy.ENV, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = toy.make(tmp_path_factory.mktemp("toy"))
    toy.call(folder, "dvc", "repro", "--quiet")
    return folder


def packages(log):
    """Return the installed packages that a command has imported."""
    (line,) = (line for line in log.splitlines() if line.startswith("packages: "))
    # The finder of an editable install, and setuptools beside it, come before all commands.
    editable = {name for name in line.split() if name.startswith("__editable__")} | {"_distutils_hack"}
    return set(line.split()[1:]) - {"typing_extensions"} - editable


@pytest.mark.slow
def test_help_needs_typer_alone_and_lists_every_command(tmp_path):
    status, printed, log = breathline(tmp_path, "--help")
    assert status == 0
    assert packages(log) <= TYPER
    commands = ("run", "plan", "recipe", "leaderboard", "models", "report", "doctor")
    assert all(f" {name} " in printed for name in commands)


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "needed"), [(["recipe", "list"], OPTIONS | YAML), (["models"], OPTIONS)])
def test_lists_need_neither_arrays_nor_tables(arguments, needed):
    status, _, log = breathline(toy.ROOT, *arguments)
    assert status == 0
    assert packages(log) <= TYPER | needed


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
def test_plan_and_a_run_with_nothing_to_do_need_neither_prefect_nor_tables(finished, arguments):
    status, printed, log = breathline(finished, *arguments)
    assert status == 0, log
    assert packages(log).isdisjoint({"prefect", "torch", "great_expectations", "pyarrow", "pandas"})
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
