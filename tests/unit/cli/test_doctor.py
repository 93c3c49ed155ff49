import json
import sys

import pytest
import typer

from cli.doctor import command, machine, project
from tests import toy


def test_versions_that_are_missing_or_differ_from_the_lock_are_named(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("typer==0.0.1 \\\n    --hash=sha256:0\nno-such-thing==1.0\n")
    found = machine.locked_versions(lock)
    assert (found.state, found.found) == ("missing", "not installed: no-such-thing")
    lock.write_text("typer==0.0.1 \\\n    --hash=sha256:0\nno-such-thing==1.0 ; sys_platform == 'nowhere'\n")
    found = machine.locked_versions(lock)
    assert found.state == "unusual"
    assert "locked ==0.0.1" in found.found


def test_a_package_that_cannot_be_imported_is_missing_with_its_cause(monkeypatch, tmp_path):
    (tmp_path / "timm.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    found = {result.topic: result for result in machine.torch_family()}
    assert found["torch"].state == "ok"
    assert found["timm"].state == "missing"
    assert "nms does not exist" in found["timm"].found
    monkeypatch.delitem(sys.modules, "timm", raising=False)


def test_hardlinks_are_unusual_because_they_can_damage_the_cache(tmp_path, monkeypatch):
    folder = toy.make(tmp_path)
    monkeypatch.delenv("DVC_NO_ANALYTICS", raising=False)
    states = {result.topic: result.state for result in project.dvc(folder)}
    assert states == {"DVC": "ok", "DVC's cache": "ok", "telemetry of DVC": "unusual"}
    toy.call(folder, "dvc", "config", "cache.type", "hardlink,copy")
    links = {result.topic: result for result in project.dvc(folder)}["DVC's cache"]
    assert (links.state, links.found.split()[0]) == ("unusual", "hardlink")
    assert "reflink,copy" in links.advice
    assert not list((folder / ".dvc" / "tmp").glob("*.tmp"))


def test_git_without_commit_dirty_and_clean(tmp_path):
    assert project.git(tmp_path).state == "missing"
    folder = toy.make(tmp_path)
    assert project.git(folder).found == "no commit yet"
    toy.commit(folder, "x")
    assert project.git(folder).state == "ok"
    (folder / "params.yaml").write_text("rho: 1\n")
    assert "1 files not committed" in project.git(folder).found


def test_a_missing_weights_folder_is_reported(monkeypatch, tmp_path):
    monkeypatch.setenv("BREATHLINE_WEIGHTS", str(tmp_path / "none"))
    assert project.weights().state == "missing"


def test_the_command_ends_with_status_1_outside_a_project_and_prints_json(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(typer.Exit) as ended:
        command.doctor(as_json=True)
    assert ended.value.exit_code == 1
    states = {finding["topic"]: finding["state"] for finding in json.loads(capsys.readouterr().out)}
    assert states["DVC"] == states["Git"] == states["locked versions"] == states["free disk"] == "missing"
    assert states["torch"] == "ok"
