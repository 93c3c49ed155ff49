"""Examples of docs/how-to/use.md, run on a small model: a new user can copy them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from tasks.monitoring import log_reading
from tests.unit.tasks.prediction import onnx_model
from tests.unit.tasks.prediction.recorded import write
from tests.unit.tasks.serving.servers import running_server
from tests.unit.test_commands_in_documents import commands

TEXT = (Path(__file__).parents[2] / "docs/how-to/use.md").read_text(encoding="utf-8")


def block(section: str, kind: str = "") -> str:
    """Return the first block of code of a section."""
    part = TEXT.partition(f"\n## {section}\n")[2]
    found = re.search(rf"```{kind}\n(.*?)```", part, flags=re.DOTALL)
    assert found, section
    return found[1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder, with what the examples name: a model, a recording, and folders."""
    monkeypatch.chdir(tmp_path)
    onnx_model.write(tmp_path / "data/export/1", duration_s=2.5)
    write(tmp_path / "recording.wav", 6.0)
    for name in ("ward/a", "ward/b", "night/c", "night/d"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / f"{name}.wav", 6.0)
    return tmp_path


def test_the_shell(folder):
    """The example with torch is tested where there is a whole export (tests/unit/cli)."""
    lines = [arguments for arguments in commands(block("From the shell")) if "torch" not in arguments]
    assert len(lines) == 3
    for arguments in lines:
        done = CliRunner().invoke(app, arguments, env={"COLUMNS": "80"})
        assert done.exit_code == 0, done.output
        assert "data/export, seed 1" in done.output
    assert len(list((folder / "tracks").iterdir())) == 2
    assert (folder / "night.csv").exists()
    assert len(log_reading.read(folder / "use.jsonl").entries) == 2


@pytest.mark.slow  # pandas
def test_python(folder, capsys):
    exec(block("In Python", "python"), {})  # noqa: S102 - the example itself
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[:3]] == ["0.0", "2.5", "3.5"]
    assert "learned from generated sounds" in printed[-1]


def test_http(folder):
    line = re.findall(r"^curl .*", TEXT.partition("\n## Over HTTP\n")[2], flags=re.MULTILINE)[0]
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    (folder / "uploads").mkdir()
    with running_server(folder / "uploads", folder / "data/export/1") as server:
        command = line.replace("http://127.0.0.1:8000", str(server.client.base_url).rstrip("/"))
        done = subprocess.run(command.split(), capture_output=True, text=True, check=False, cwd=folder)
    assert '"decision":"' in done.stdout, done.stderr
