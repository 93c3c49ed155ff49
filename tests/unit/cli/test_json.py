"""Option `--json`: one document on standard output, errors on standard error, and the keys of the reference."""

import json
import math
import shutil
from collections.abc import Iterator

import numpy as np
import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from cli.main import app
from cli.output import print_json
from flows.leaderboards import comparison, recipe_workspaces
from tests import toy
from tests.documents.json_keys import documented, keys, sections
from tests.unit.flows.leaderboards.results import CRACKLES, result
from tests.unit.tasks.evaluation.example import metrics


def with_json(group: TyperGroup, before: str = "") -> Iterator[str]:
    """Yield the commands that have the option."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from with_json(command, f"{before}{name} ")
        elif any("--json" in option.opts for option in command.params):
            yield f"{before}{name}"


def test_the_reference_has_every_command_with_the_option():
    assert {*with_json(get_command(app))} == {*sections()} - {"report --compare"} | {"corpus show"}


@pytest.fixture(scope="module")
def project(small_run, tmp_path_factory):
    """Return a copy of the small run with a version; no command of these tests writes into it."""
    root = shutil.copytree(small_run, tmp_path_factory.mktemp("json") / "project", symlinks=True)
    toy.call(root, "git", "tag", "--annotate", "--message", "one", "student@v1.0.0")
    return root


@pytest.mark.parametrize(
    "command",
    [
        "plan",
        "models",
        "registry list",
        "corpus list",
        "doctor",
        "audit trace score",
        "audit log",
        "audit diff HEAD .",
        "audit absent patient:101",
        "audit manifest",
        "audit verify",
    ],
)
def test_the_document_has_the_keys_of_the_reference(project, monkeypatch, command):
    monkeypatch.chdir(project)
    done = CliRunner().invoke(app, [*command.split(), "--json"])
    assert done.exit_code in (0, 1), done.output
    assert not isinstance(done.exception, AssertionError)
    section = next(name for name in sections() if command.startswith(name))
    assert keys(json.loads(done.stdout)) == documented(section)


def test_the_report_has_figures_and_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/metrics.json").write_text(json.dumps(metrics()))
    found = json.loads(CliRunner().invoke(app, ["report", "--json"]).stdout)
    assert keys(found) == documented("report")
    assert found["metrics"] == json.loads(json.dumps(metrics()))
    assert [one["path"] for one in found["files"]] == ["reports/metrics.json"]


def test_a_leaderboard_is_the_document_and_its_other_words_are_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = [result("ast_ce", CRACKLES), result("best", np.zeros_like(CRACKLES))]
    monkeypatch.setattr(recipe_workspaces, "finished", lambda root, chosen: [one.workspace for one in results])
    monkeypatch.setattr(
        comparison, "read", lambda root, workspace: [one for one in results if one.workspace == workspace]
    )
    done = CliRunner().invoke(app, ["leaderboard", "--collect", "--json"])
    assert done.exit_code == 0, done.output
    assert keys(found := json.loads(done.stdout)) == documented("leaderboard")
    assert [row["recipe"] for row in found[0]["rows"]] == ["ast_ce", "best"]
    assert "Written: reports/leaderboard.json" in done.stderr
    assert json.loads((tmp_path / "reports/leaderboard.json").read_text()) == found


@pytest.mark.parametrize(
    "arguments", [["plan"], ["report"], ["leaderboard"], ["audit", "trace", "score"], ["models", "x"]]
)
def test_an_error_leaves_standard_output_empty(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")


def test_undefined_numbers_are_null(capsys):
    print_json({"mean": math.nan, "limits": (math.inf, 1.5), "of": {"none": None, "all": 3}})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "mean": None,
        "limits": [None, 1.5],
        "of": {"none": None, "all": 3},
    }
