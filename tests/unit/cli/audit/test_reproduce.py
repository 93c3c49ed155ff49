"""Command `breathline audit reproduce`: its words, its JSON and its status."""

import json

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.documents.json_keys import documented, keys
from tests.unit.lineage.reproduction import adding


@pytest.fixture
def project(tmp_path, monkeypatch):
    root = adding.build(tmp_path / "project")
    monkeypatch.chdir(root)
    return root


def test_equal_bytes_are_told_and_end_with_status_0(project):
    told = CliRunner().invoke(app, ["audit", "reproduce", "student/1"])
    assert told.exit_code == 0, told.output
    first, second = told.stdout.splitlines()
    assert first.startswith("reproduced  train_student@1: equal bytes (2 files, ")
    assert second.startswith("  code: commit ")


def test_another_model_ends_with_status_1_and_names_file_and_next_step(project):
    (project / "data/student/1/weights.bin").write_text("99")
    told = CliRunner().invoke(app, ["audit", "reproduce", "train_student@1"])
    assert told.exit_code == 1
    assert "differs  train_student@1" in told.stdout
    assert "data/student/1/weights.bin: the file is not the one that the record names" in told.stdout
    assert "next: " in told.stdout
    (found,) = json.loads(CliRunner().invoke(app, ["audit", "reproduce", "student/1", "--json"]).stdout)
    assert keys(found) == documented("audit reproduce")
    assert (found["verdict"], found["files"]) == ("differs", 2)


def test_a_refusal_ends_with_status_1_and_is_no_difference(project):
    adding.change(project, lambda found: found.update(git=None))
    told = CliRunner().invoke(app, ["audit", "reproduce", "student/1"])
    assert (told.exit_code, told.stdout.split("  ")[0]) == (1, "not reproducible")
