"""A worker's clones: one run at a time in each, cleaned of the files of the run before."""

import subprocess

import pytest

from flows.processes.stage_errors import StageFailedError
from flows.processes.stage_process import StageProcesses
from flows.remote import clones
from flows.remote.transfer_commands import TransferCommands
from tests import toy


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("BREATHLINE_CLONES", str(tmp_path / "clones"))
    return tmp_path / "clones"


def test_two_runs_never_share_a_clone_and_a_free_one_is_used_again(folder):
    address = "https://example.org/a.git"
    with clones.exclusive_clone(address) as one, clones.exclusive_clone(address) as two:
        assert one != two
        assert one.parent == two.parent == next(folder.iterdir())
        assert one.parent.name.startswith("a-")
        with clones.exclusive_clone("https://example.com/a.git") as other:
            assert other.parent != one.parent
    with clones.exclusive_clone(address) as again:
        assert again == one


def test_a_clone_with_processes_of_a_lost_run_is_not_used():
    with clones.exclusive_clone("a") as one:
        orphan = subprocess.Popen(["sleep", "60"], cwd=one)
    try:
        with clones.exclusive_clone("a") as other:
            assert other != one
    finally:
        orphan.kill()
        orphan.wait()
    with clones.exclusive_clone("a") as again:
        assert again == one


@pytest.mark.slow
def test_a_commit_is_checked_out_over_changed_files(tmp_path):
    origin = toy.make(tmp_path / "origin")
    (origin / ".gitignore").write_text("/data\n/.checkpoints\n")
    commits = []
    for text in ("one\n", "two\n"):
        (origin / "src.txt").write_text(text)
        commits.append(toy.commit(origin, text))
    with clones.exclusive_clone(str(origin)) as root:
        clone = TransferCommands(root, StageProcesses(), print)
        for commit, text in zip(commits, ("one\n", "two\n"), strict=True):
            clones.check_out(clone, repository=str(origin), ref="HEAD", commit=commit)
            assert (root / "src.txt").read_text() == text
            for name in ("data/a[1]/model", "data/old/model", ".checkpoints/1", "first.txt"):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text("left")
            clones.clean(root, keep=["data/a[1]"])
            (root / "src.txt").write_text("changed")
            (root / ".git" / "index.lock").touch()
        assert [path.name for path in (root / "data").iterdir()] == ["a[1]"]
        assert (root / ".checkpoints" / "1").exists()
        assert not (root / "first.txt").exists()
        assert toy.call(root, "dvc", "cache", "dir").strip() == str(root.parent / "cache")


def test_an_address_is_no_option_of_git(tmp_path):
    origin = toy.make(tmp_path / "origin")
    commit = toy.commit(origin, "one")
    option = f"--upload-pack=touch {tmp_path / 'ran'};git-upload-pack"
    with clones.exclusive_clone("a") as root:
        commands = TransferCommands(root, StageProcesses(), print)
        with pytest.raises(StageFailedError):
            clones.check_out(commands, repository=option, ref=str(origin), commit=commit)
    assert not (tmp_path / "ran").exists()
