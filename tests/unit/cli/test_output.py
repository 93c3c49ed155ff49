"""Lines of commands in terminals, and in files and pipes."""

import pytest

from cli.output import make_console, table

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
