"""Errors of commands and stages: shown once, whole, without a traceback."""

import copy
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from rich.console import Console

from cli import main, stage, stage_launcher
from flows.processes.stage_errors import StageFailedError
from tasks.runtime import error_output
from tasks.runtime.errors import BreathlineError, TransientError
from tasks.runtime.files import write_json


def leaves(command, words=()):
    """Yield the words and the object of each command that does something."""
    if not hasattr(command, "commands"):
        yield words, command
        return
    for word, inner in command.commands.items():
        yield from leaves(inner, (*words, word))


ROOT = error_output.ROOT
START = "from cli.start import main; main()"
COMMANDS = [words for words, _ in leaves(typer.main.get_command(main.app))]
STAGES = sorted(path.stem for path in (ROOT / "tasks").glob("*.py") if path.stem not in ("__init__", "artifacts"))
FOR_USERS = BreathlineError("The [bold]value[/] is wrong.", where="params.yaml: line 3", hint="write 1")
FAULTS = {
    "error": (FOR_USERS, 1, "The [bold]value[/] is wrong.\n  where: params.yaml: line 3\n  next:  write 1\n"),
    "defect": (
        KeyError("mel"),
        1,
        "This is a defect of Breathline. KeyError: 'mel'\n  where: ",
    ),
    "interrupt": (KeyboardInterrupt(), 130, "Interrupted.\n"),
}


def call(words, callback, monkeypatch):
    """Run a command that has another function and needs no arguments, and return its exit status."""
    app = typer.main.get_command(main.app)
    command = dict(leaves(app))[words]
    monkeypatch.setattr(command, "callback", callback)
    for parameter in command.params:
        monkeypatch.setattr(parameter, "required", False)
    with pytest.raises(SystemExit) as ended:
        app.main([*words])
    return ended.value.code


def failing(fault):
    def fail(*_, **__):
        raise fault

    return fail


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_shows_every_fault_whole_and_without_a_traceback(words, fault, monkeypatch, capsys):
    raised, status, shown = FAULTS[fault]
    monkeypatch.delenv("BREATHLINE_DEBUG", raising=False)
    assert call(words, failing(raised), monkeypatch) == status
    printed = capsys.readouterr()
    assert (shown in printed.err, "Traceback" in printed.err, printed.out) == (True, False, ""), printed.err


@pytest.mark.parametrize("fault", FAULTS)
def test_a_traceback_comes_before_the_error_when_asked_for(fault, monkeypatch, capsys):
    raised, status, shown = FAULTS[fault]
    monkeypatch.setenv("BREATHLINE_DEBUG", "1")
    assert call(("plan",), failing(raised), monkeypatch) == status
    trace, _, rest = capsys.readouterr().err.partition("    raise fault\n")
    assert (trace.startswith("Traceback (most recent call last)"), shown in rest) == (True, True), rest


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", STAGES)
def test_every_stage_shows_every_fault_whole_and_without_a_traceback(name, fault, monkeypatch, capsys):
    raised, status, shown = FAULTS[fault]
    monkeypatch.setattr(stage_launcher, "import_module", lambda _: SimpleNamespace(main=failing(raised)))
    monkeypatch.setattr(sys, "argv", ["cli.stage", name])
    monkeypatch.delenv("BREATHLINE_DEBUG", raising=False)
    with pytest.raises(SystemExit) as ended:
        stage.main()
    found = capsys.readouterr().err
    assert (ended.value.code, shown in found, "Traceback" in found) == (status, True, False), found
    assert fault == "interrupt" or found.startswith(f"{name} failed: ")


WRITERS = {"print": print, "echo": typer.echo, "rich": lambda text: Console().print(text)}


@pytest.mark.parametrize(
    ("words", "write"), [*((words, "echo") for words in COMMANDS), (("plan",), "print"), (("plan",), "rich")]
)
def test_every_command_is_silent_when_the_reader_of_its_output_has_gone(words, write, monkeypatch, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        assert call(words, lambda **_: [WRITERS[write]("line") for _ in range(3)], patch) == 1
    assert capsys.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["recipe", "list"], ["--help"]])
def test_a_closed_pipe_of_a_real_process_leaves_nothing_behind(arguments, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", START, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_pipe_that_closes_after_everything_is_written_is_no_defect(monkeypatch, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        assert error_output.print_error(BrokenPipeError(32, "Broken pipe")) == 1
    assert capsys.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_an_output_that_is_full_is_named_and_not_the_disk_of_the_project():
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        command = [sys.executable, "-c", START, "models", "mn04"]
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    words = "Error: The output cannot be written: No space left on device.\n  where: standard output"
    assert words in done.stderr  # torch may warn before
    assert "another file" in done.stderr


def test_a_broken_pipe_that_is_not_the_output_is_told(capsys):
    assert error_output.print_error(BrokenPipeError(32, "Broken pipe")) == 1
    assert "BrokenPipeError: [Errno 32] Broken pipe" in capsys.readouterr().err


def test_the_place_of_a_defect_is_our_line_and_that_of_the_library(tmp_path):
    with pytest.raises(TypeError, match="not JSON serializable") as caught:
        write_json(tmp_path / "x.json", object())
    text = error_output.error_text(caught.value)
    assert re.search(r"where: tasks/runtime/files\.py:\d+ \(raised in .*/json/encoder\.py:\d+\)\n", text), text
    assert "next:  run the command again with BREATHLINE_DEBUG=1 to see the traceback, and report it" in text


def shown_at(width, error, monkeypatch, capsys, **env):
    """Return what a terminal of some width shows of an error."""
    for name, value in {"COLUMNS": str(width), "TERM": "xterm", "NO_COLOR": "", **env}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    error_output.print_error(error)
    return capsys.readouterr().err


LONG = BreathlineError(
    "The recording is cut off before its audio ends, and holds 6 of 12 seconds:\n  | WAVE: data chunk too short by far",
    where="data/raw/demo/audio/a_very_long_name_of_a_recording_that_no_terminal_holds_in_a_line.wav",
    hint="replace the file, or leave it out",
)


@pytest.mark.parametrize("width", [40, 80])
def test_a_terminal_gets_lines_that_fit_and_whole_paths(width, monkeypatch, capsys):
    shown = shown_at(width, LONG, monkeypatch, capsys, NO_COLOR="1")
    lines = shown.splitlines()
    assert str(LONG.where) in shown
    assert all(len(line) <= width for line in lines if str(LONG.where) not in line)
    assert all(line.startswith("  | ") for line in lines if "WAVE" in line or ("short" in line and "|" in line))
    assert " ".join(shown.replace("  | ", " ").split()) == " ".join(f"Error: {LONG}".replace("  | ", " ").split())


def test_a_pipe_gets_whole_lines(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    error_output.print_error(LONG)
    assert capsys.readouterr().err == f"Error: {LONG}\n"


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colour_only_where_it_is_wanted(env, coloured, monkeypatch, capsys):
    assert ("\x1b" in shown_at(80, LONG, monkeypatch, capsys, **env)) == coloured


def test_control_characters_of_a_name_do_not_reach_the_terminal(capsys):
    error_output.print_error(BreathlineError("x", where="a\x1b]0;pwned\x07\udcff.wav"))
    assert r"a\x1b]0;pwned\x07\udcff.wav" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [BreathlineError, TransientError, StageFailedError])
def test_an_error_from_another_process_keeps_its_parts(kind):
    error = kind("what", where=object, hint="next")
    found = copy.copy(error)  # by the protocol of pickle
    assert (type(found), found.what, found.where, found.hint) == (kind, "what", str(object), "next")
    assert str(found) == str(error)


def test_an_error_on_one_line_keeps_its_parts():
    found = error_output.one_line(FOR_USERS)
    assert found == "The [bold]value[/] is wrong. (where: params.yaml: line 3; next: write 1)"
    assert error_output.one_line(ValueError("a\nb")) == "ValueError: a b"


@pytest.mark.parametrize(
    ("command", "module"), [(("-c", START, "plan"), "typer"), (("-m", "cli.stage", "fbank"), "argparse")]
)
def test_an_interrupt_while_modules_are_imported_leaves_no_traceback(tmp_path, command, module):
    (tmp_path / f"{module}.py").write_text(
        "import time\nprint('importing', flush=True)\ntime.sleep(600)\n", encoding="utf-8"
    )
    env = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, *command], cwd=tmp_path, env=env, **pipes) as process:
        assert process.stdout.readline() == b"importing\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == (b"", b"Interrupted.\n")
    assert process.returncode == 130


def test_a_missing_package_is_one_error_that_names_it(tmp_path):
    (tmp_path / "rich").mkdir()
    (tmp_path / "rich/__init__.py").write_text("import no_such_package\n", encoding="utf-8")
    env = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", START, "plan"], env=env, capture_output=True, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)
    assert b"Error: The package no_such_package is not installed." in done.stderr
    assert b"`make setup`" in done.stderr
