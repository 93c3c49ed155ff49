"""Second user who may not write into the project: `plan` ended with a traceback, and Git's distrust was hidden."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage import code
from lineage.git import ask_git, git
from tasks.runtime.errors import BreathlineError
from tests import other_user, toy

READ = ("plan", "recipe list", "recipe show demo", "registry list")
WRITE = ("run", "recipe use demo", "registry promote", "backfill --param rho=0.1", "leaderboard demo")


@pytest.fixture
def readable_path() -> Iterator[Path]:
    """Yield an empty folder that other users reach; those of pytest are closed to them."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def project(readable_path):
    folder = toy.make(readable_path / "project")
    (folder / "recipes").symlink_to(toy.ROOT / "recipes")
    toy.commit(folder, "start")
    return folder


@pytest.mark.slow
def test_commands_that_read_work_and_others_name_folder_and_user(project):
    found = other_user.breathline(project, [*READ, *WRITE])
    for line in READ:
        assert found[line].status == 0, found[line].printed
    for line in WRITE:
        assert found[line].status == 1, line
        assert f"User nobody may not write into the folder {project}, which belongs to root." in found[line].printed
    assert toy.call(project, "git", "status", "--porcelain") == ""


@pytest.mark.long  # one more start of the command line
def test_a_user_without_a_name_has_a_number(project):
    found = other_user.breathline(project, ["plan", "run"], user=4123456)
    assert found["plan"].status == 0, found["plan"].printed
    assert "User 4123456 may not write into the folder" in found["run"].printed


@pytest.mark.long  # one more start of the command line
def test_settings_that_another_user_keeps_secret_are_named(project):
    secrets = project / ".dvc" / "config.local"
    secrets.write_text("")
    secrets.chmod(0o600)
    os.chown(secrets, other_user.NOBODY, other_user.NOBODY)
    printed = other_user.breathline(project, ["plan"], user=0)["plan"].printed
    assert "Permission denied" in printed
    assert f"{secrets} has the mode -rw------- and the owner nobody; this process runs as root" in printed


@pytest.mark.slow
def test_git_s_distrust_is_one_message_with_the_command(project):
    found = other_user.breathline(project, ["plan", "registry list"], trust=False)
    for outcome in found.values():
        assert outcome.status == 1
        assert "Git does not trust this repository, because its folder belongs to another user." in outcome.printed
        assert f"`git config --global --add safe.directory {project}`" in outcome.printed


def test_a_repository_without_trust_is_not_taken_for_none(project, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)  # that of the tests trusts all folders
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # of Git's own tests
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    for ask in (ask_git, git):
        with pytest.raises(BreathlineError, match="does not trust this repository"):
            ask(project, "rev-parse", "HEAD")
    with pytest.raises(BreathlineError, match="does not trust this repository"):
        code.git_state(project)
    shutil.rmtree(project / ".git")
    assert code.git_state(project) is None


@pytest.mark.long  # a run with all records, for the commands that read it
def test_a_second_user_reads_and_audits_a_run(small_run, readable_path):
    project = shutil.copytree(small_run, readable_path / "project", symlinks=True)
    lines = ["report", "audit verify", "audit trace data/student/1", "audit diff HEAD .", "models cnn6", "doctor"]
    found = other_user.breathline(project, lines)
    assert "Verified: everything is as recorded" in found["audit verify"].printed
    assert "may not write into the folder" in found["doctor"].printed
    for line in lines[:-1]:
        assert found[line].status == 0, found[line].printed
    assert "Traceback" not in found["doctor"].printed
    assert "PermissionError" not in found["doctor"].printed
