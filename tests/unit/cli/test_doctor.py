"""Command `breathline doctor` as a whole, and its checks of the installation."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.doctor import check_result, command, installation
from cli.doctor.check_result import CheckResult
from tasks.runtime.errors import BreathlineError
from tests import toy
from tests.unit.cli.doctor_checks import only

ROOT = Path(__file__).parents[3]
# Slow packages that only `--deep` imports.
HEAVY = {
    "torch",
    "torchaudio",
    "torchvision",
    "timm",
    "pandas",
    "great_expectations",
    "prefect",
    "sklearn",
    "transformers",
}
# Far above what it takes (docs/explanation/reliability.md): a heavy library in the wrong place takes more.
MAX_CPU_S, MAX_MB = 3.0, 300
PROGRAM = f"""
import json, resource, sys
import psutil
from cli.main import app
try:
    app(["doctor", "--json"])
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print("heavy:", sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)
    print(json.dumps([used.ru_utime + used.ru_stime, psutil.Process().memory_info().rss / 1e6]), file=sys.stderr)
"""


@pytest.mark.slow
def test_nothing_slow_is_imported_and_a_right_project_has_no_problem(small_run):
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=small_run, env=toy.ENV, capture_output=True, check=False)
    assert b"heavy: []" in done.stderr
    cpu_s, megabytes = json.loads(done.stderr.splitlines()[-1])
    assert cpu_s < MAX_CPU_S
    assert megabytes < MAX_MB
    found = {result["topic"]: result for result in json.loads(done.stdout)}
    # The small project has no environment and no recipes of its own; all else is in order there, but for a full disk.
    problems = {name for name, result in found.items() if result["state"] == "problem"} - {"disk"}
    assert problems == {"recipes"}
    assert done.returncode == 1
    assert found["params.yaml"]["state"] == found["packages"]["state"] == "ok"


def test_outside_a_project_every_check_has_a_result_and_the_status_is_1(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        command_line("--json")
    assert ended.value.code == 1
    printed = capsys.readouterr()
    states = {result["topic"]: result["state"] for result in json.loads(printed.out)}
    assert states["dvc"] == states["Git"] == states["packages"] == states["params.yaml"] == "problem"
    assert states["Python"] == "ok"
    assert "Traceback" not in printed.err


def command_line(*arguments):
    from cli.main import app

    app(["doctor", *arguments])


@pytest.mark.parametrize("width", [40, 80])
def test_results_fit_a_terminal_and_brackets_stay(width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "dumb")
    advice = "pip install 'dvc[s3]', which is a rather long next step that needs a second line"
    command.show({"Machine": [CheckResult("memory", "ok", "3 GB"), CheckResult("remote", "problem", "[x]", advice)]})
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= width
    assert "[x]" in printed
    assert "'dvc[s3]'" in printed
    assert "next: pip" in printed
    assert printed.endswith("1 ok, 0 warnings, 1 problem.\n")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (BreathlineError("Bad.", where="x:1", hint="do"), CheckResult("odd one", "problem", "Bad. (x:1)", "do")),
        (KeyError("a"), CheckResult("odd one", "problem", "cannot be checked: KeyError: 'a'")),
    ],
)
def test_a_check_that_fails_is_a_problem_and_the_others_run(error, shown, tmp_path):
    def odd_one(_root):
        raise error
        yield

    assert list(check_result.run([odd_one, installation.python], tmp_path))[:1] == [shown]
    assert len(list(check_result.run([odd_one, installation.python], tmp_path))) == 2


def test_versions_that_are_missing_or_differ_from_the_lock_are_named(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("# Größe\ntyper==0.0.1 \\\n    --hash=sha256:0\nno-such-thing==1.0\n", encoding="latin-1")
    found = only(installation.packages, tmp_path)
    assert (found.state, "not installed: no-such-thing" in found.found) == ("problem", True)
    marked = "typer==0.0.1 \\\n    --hash=sha256:0\nno-such-thing==1.0 ; sys_platform == 'nowhere'\n"
    lock.write_text(marked, encoding="utf-8")
    found = only(installation.packages, tmp_path)
    assert (found.state, "locked ==0.0.1" in found.found) == ("warning", True)


def test_the_code_of_another_clone_is_a_problem(tmp_path):
    assert only(installation.code, ROOT).found == str(ROOT)
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/main.py").touch()
    assert only(installation.code, tmp_path).state == "problem"
