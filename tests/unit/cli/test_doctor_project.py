"""Checks of `breathline doctor`: the project, each with its fault."""

import os
from pathlib import Path

import pytest
from dvc import rwlock

from cli.doctor import check_result, project
from tests import toy
from tests.unit.cli.doctor_checks import by_topic, only, repository

ROOT = Path(__file__).parents[3]


def test_params_recipes_and_recordings_are_judged(tmp_path, monkeypatch):
    assert only(project.params, tmp_path).state == "problem"
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    params = tmp_path / "params.yaml"
    params.write_text(text, encoding="utf-8")
    assert only(project.params, tmp_path).state == "ok"
    assert only(project.recordings, tmp_path).state == "ok"
    params.write_text(text.replace("\nstudent:", "\nstudnet:"), encoding="utf-8")
    found = [one.found for one in check_result.run([project.params], tmp_path)]
    assert any("studnet" in fault for fault in found)
    moved = text.replace("    source: publisher\n", "    source: directory\n    path: gone\n")
    params.write_text(moved, encoding="utf-8")
    found = only(project.recordings, tmp_path)
    assert (found.state, found.found.endswith("gone, which does not exist")) == ("problem", True)
    uploaded = text.replace("    source: publisher\n", "    source: kaggle\n    dataset: o/n\n")
    params.write_text(uploaded, encoding="utf-8")
    monkeypatch.setattr(project, "find_spec", lambda name: None if name == "kagglehub" else ROOT)
    found = only(project.recordings, tmp_path)
    assert (found.state, "source: kaggle o/n, whose library kagglehub" in found.found) == ("problem", True)

    (tmp_path / "recipes").mkdir()
    for name, content in {"good": "description: x\noverrides: {}\n", "bad": "overrides: [\n"}.items():
        (tmp_path / f"recipes/{name}.yaml").write_text(content, encoding="utf-8")
    states = [(one.state, one.found) for one in check_result.run([project.recipes], tmp_path)]
    assert [state for state, _ in states] == ["problem", "ok"]
    assert "bad.yaml" in states[0][1]


def test_git_without_commit_dirty_and_in_a_larger_repository(tmp_path):
    assert only(project.git, tmp_path).state == "problem"
    folder = repository(tmp_path)
    assert only(project.git, folder).found.endswith("no commit yet")
    toy.commit(folder, "x")
    assert only(project.git, folder).state == "ok"
    assert "folder inner/ of a larger repository" in only(project.git, folder / "inner").found
    (folder / "inner/params.yaml").write_text("rho: 1\n", encoding="utf-8")
    assert "1 file not committed" in only(project.git, folder).found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_repository_of_another_user_is_a_problem_with_gits_command(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)  # that of the tests trusts all folders
    folder = repository(tmp_path)
    for path in (folder, folder / ".git"):
        os.chown(path, 12345, 12345)
    found = only(project.git, folder)
    assert (found.state, "git config --global --add safe.directory" in found.advice) == ("problem", True), found


def test_other_line_ends_than_those_of_the_commit_are_a_warning(tmp_path):
    folder = repository(tmp_path)
    toy.commit(folder, "x")
    assert only(project.line_ends, folder).state == "ok"
    (folder / "inner/params.yaml").write_bytes(b"rho: 0\r\n")
    found = only(project.line_ends, folder)
    assert (found.state, "params.yaml" in found.found) == ("warning", True)


@pytest.mark.slow
def test_dvc_its_cache_and_its_remote_are_judged(tmp_path, monkeypatch):
    folder = toy.make(tmp_path)
    monkeypatch.delenv("DVC_NO_ANALYTICS", raising=False)
    states = {topic: one.state for topic, one in by_topic(project.dvc, folder).items()}
    assert states == {"DVC": "ok", "DVC's cache": "ok", "DVC's remote": "ok", "telemetry of DVC": "warning"}
    # Hard links are a warning: a program that overwrites a file would change the cache.
    toy.call(folder, "dvc", "config", "cache.type", "hardlink,copy")
    toy.call(folder, "dvc", "remote", "add", "--default", "gone", str(tmp_path / "gone"))
    found = by_topic(project.dvc, folder)
    links = found["DVC's cache"]
    assert (links.state, links.found.split()[0], "reflink,copy" in links.advice) == ("warning", "hardlink", True)
    assert found["DVC's remote"].state == "warning"
    assert not list((folder / ".dvc" / "tmp").glob("*.tmp"))
    monkeypatch.delattr(rwlock, "_edit_rwlock")
    unknown = by_topic(project.dvc, folder)["DVC"]
    assert (unknown.state, "does not know this version" in unknown.found) == ("warning", True)
    toy.call(folder, "dvc", "remote", "modify", "gone", "url", "s3://bucket")
    monkeypatch.setattr(project, "find_spec", lambda _: None)
    assert "pip install 'dvc[s3]'" in by_topic(project.dvc, folder)["DVC's remote"].advice
    (folder / ".dvc/config").write_text("[core\n", encoding="utf-8")
    assert by_topic(project.dvc, folder)["DVC"].state == "problem"


def test_a_linked_folder_of_outs_is_a_problem(tmp_path):
    assert only(project.links, tmp_path).state == "ok"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "elsewhere")
    assert only(project.links, tmp_path).state == "problem"
