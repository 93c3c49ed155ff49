"""Command `breathline monitor`: status, table at 80 columns, JSON and page."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.documents.json_keys import documented, keys
from tests.unit.tasks.monitoring import in_use
from tests.unit.tasks.monitoring.simulated import USUAL

BANNER = "This model learned from generated sounds: it says nothing about real lungs."


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    in_use.model(tmp_path / "model", banner=BANNER)
    in_use.log(tmp_path / "use.jsonl", [(USUAL, 50)])
    in_use.log(tmp_path / "moved.jsonl", [(replace(USUAL, level=-48.0, not_judged=0.5), 50)])
    return tmp_path


def monitor(*arguments: str):
    return CliRunner().invoke(app, ["monitor", *arguments, "--model", "model"], env={"COLUMNS": "80"})


def test_the_status_tells_drift_and_the_table_fits_80_columns(folder):
    done = monitor("use.jsonl")
    assert done.exit_code == 0, done.output
    assert "No drift found (50 recordings)." in done.output
    done = monitor("moved.jsonl", "--html", "drift.html")
    assert done.exit_code == 1
    assert "Drift of level, dBFS; recordings not judged (50 recordings)." in done.output
    assert "Written: drift.html" in done.output
    html = (folder / "drift.html").read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert BANNER in html
    assert BANNER in done.output
    for words in ("annotated cycles", "windows"):
        assert words in html
        assert words in done.output
    assert max(map(len, done.output.splitlines())) <= 80
    (row,) = [line for line in done.output.splitlines() if line.startswith("level, dBFS")]
    assert row.split()[2] == "50"
    assert "DRIFT" in row


def test_json_has_the_alerts_and_the_options_move_them(folder):
    done = monitor("moved.jsonl", "--json")
    assert done.exit_code == 1
    assert keys(json.loads(done.stdout)) == documented("monitor")
    assert [one["name"] for one in json.loads(done.stdout)["alerts"]] == ["level_dbfs", "not_judged"]
    assert json.loads(done.stdout)["banner"] == BANNER
    done = monitor("moved.jsonl", "--json", "--alert-psi", "50", "--alert-share", "0.9")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["alert"] is False
    done = monitor("moved.jsonl", "--recordings", "51")
    assert done.exit_code == 0
    assert "Too few to say: 50 recordings, and 51 are needed in a period." in done.output


def test_a_missing_log_is_named(folder):
    done = monitor("other.jsonl")
    assert done.exit_code == 1
    assert "There is no log of use." in done.stderr
    assert "other.jsonl" in done.stderr
