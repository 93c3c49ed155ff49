"""Commands on a terminal that shows ASCII alone, as with `LC_ALL=C` or `PYTHONIOENCODING=ascii`."""

import io
import json
import shutil
import subprocess
import sys

import pytest

from lineage import foreign_modules
from tasks.runtime import text_streams
from tests import toy
from tests.unit.cli.test_errors import COMMANDS

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii", "COLUMNS": "80"}
# What each command does here, without a server and without training: its result, or an error.
ARGUMENTS = {
    "run": ["--dry", "--force", "evaluate"],
    "models": ["mn04"],
    "predict": ["data/raw/icbhi/audio", "--model", "data/student/1"],
    "leaderboard": ["--collect"],
    "watch": ["--dry"],
    "deploy": ["--server", "http://127.0.0.1:9/api"],
    "serve": ["--cron", "0 3 * * *", "--interval", "5"],
    "serve-model": ["--host", "::"],
    "recipe show": ["patchmix_cl"],
    "recipe use": ["real-cpu", "--dry"],
    "registry promote": ["student@v9.9.9"],
    "audit trace": ["score"],
    "audit diff": ["HEAD"],
    "audit absent": ["patient:999"],
    "audit export": ["model-card"],
}
PROGRAM = """
import json, sys
from cli.main import app
for arguments in json.load(sys.stdin):
    try:
        app(arguments)
    except SystemExit as ended:
        print(f"=== {' '.join(arguments)}: {ended.code}", flush=True)
"""


@pytest.mark.long  # every command, among them those that import torch
def test_no_command_fails_on_a_terminal_that_shows_ascii_alone(small_run, tmp_path):
    project = shutil.copytree(small_run, tmp_path / "project", symlinks=True)
    calls = [[*words, *more] for words in COMMANDS for more in (ARGUMENTS.get(" ".join(words), []), ["--help"])]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(calls).encode(),
        cwd=project,
        env=toy.ENV | ASCII,
        capture_output=True,
        check=False,
    )
    shown = (done.stdout + done.stderr).decode("ascii")
    assert done.returncode == 0, shown
    assert [word for word in ("Traceback", "Unicode", "codec", "defect") if word in shown] == [], shown
    ended = dict(line[4:].rsplit(": ", 1) for line in shown.splitlines() if line.startswith("=== "))
    assert list(ended) == [" ".join(call) for call in calls]
    assert ARGUMENTS.keys() <= {" ".join(words) for words in COMMANDS}
    assert {status for call, status in ended.items() if call.endswith("--help")} == {"0"}
    assert ended["audit trace score"] == ended["plan"] == ended["report"] == "0"


@pytest.mark.slow  # two stages
@pytest.mark.parametrize(("stage", "status", "words"), [("pool", 0, ""), ("weights@nothing", 1, "failed: ")])
def test_a_stage_ends_the_same_on_such_a_terminal(small_run, tmp_path, stage, status, words):
    project = shutil.copytree(small_run, tmp_path / "project", symlinks=True)
    env = toy.ENV | ASCII | {foreign_modules.ALLOWED: str(toy.ROOT)}  # the project has no `cli` of its own
    done = subprocess.run(
        [sys.executable, "-m", "cli.stage", stage], cwd=project, env=env, capture_output=True, check=False
    )
    shown = (done.stdout + done.stderr).decode("ascii")
    assert (done.returncode, words in shown) == (status, True), shown
    assert [word for word in ("Traceback", "Unicode", "codec", "defect") if word in shown] == [], shown


@pytest.mark.parametrize(
    ("text", "shown"), [("1 → 2 ± 3…", "1 -> 2 +- 3..."), ("Ä\udcff.wav", "\\xc4\\udcff.wav"), ("▁▂", "\\u2581\\u2582")]
)
def test_characters_that_a_terminal_lacks_are_shown_as_others(text, shown, monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii", errors="strict"))
    text_streams.set_up()
    sys.stdout.write(text)
    sys.stdout.flush()
    assert written.getvalue().decode("ascii") == shown
