"""Lines of commands and stages in terminals, and in files and pipes."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.output import table
from lineage.verify import text
from lineage.verify.findings import Finding, Report
from tasks.runtime.consoles import make_console

ROOT = Path(__file__).parents[3]
LONG = "data/" + 30 * "a long name of a file/" + "one.wav"


@pytest.mark.parametrize(("columns", "lines"), [(None, 1), ("80", 9)])
def test_a_pipe_gets_whole_lines_unless_a_width_is_given(capsys, monkeypatch, columns, lines):
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    make_console().print(LONG)
    assert len(capsys.readouterr().out.splitlines()) == lines
    shown = table("file", "size")
    shown.add_row(LONG, "1")
    make_console().print(shown)
    assert (LONG in capsys.readouterr().out) == (columns is None)


@pytest.fixture
def pipe(monkeypatch):
    """Give no width, as in a pipe."""
    monkeypatch.delenv("COLUMNS", raising=False)


def test_a_recipe_is_shown_as_its_file(pipe, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert CliRunner().invoke(app, ["recipe", "show", "sam_ast"]).stdout == Path("recipes/sam_ast.yaml").read_text(
        "utf-8"
    )


def test_the_path_of_a_finding_is_on_one_line(pipe, capsys):
    text.show(
        Report(findings=[Finding("out-changed", LONG, LONG)], checks={}, files=1, bytes=1),
        make_console(),
        everything=False,
    )
    assert len([line for line in capsys.readouterr().out.splitlines() if LONG in line]) == 2


def test_a_message_of_a_stage_is_one_line(pipe):
    program = (
        "import logging, sys; from tasks.runtime.stage import start_process; "
        "start_process(20); logging.info(sys.argv[1])"
    )
    done = subprocess.run([sys.executable, "-c", program, LONG], capture_output=True, text=True, check=True, cwd=ROOT)
    (line,) = done.stderr.splitlines()
    assert line.split()[2:] == ["INFO", *LONG.split()]
    assert line == line.rstrip()
