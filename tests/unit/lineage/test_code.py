"""Recorded Git state: no repository, no commit, clean, dirty and shallow trees, workers."""

import hashlib
import sys
from importlib import metadata
from types import SimpleNamespace

import pytest

from lineage import code
from tasks.runtime.files import sha256
from tests import toy


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "project"
    (folder / "tasks").mkdir(parents=True)
    (folder / "tasks" / "work.py").write_text("x = 1\n")
    (folder / "params.yaml").write_text("rho: 0.1\n")
    return folder


def commit(root):
    toy.call(root, "git", "init", "--quiet")
    return toy.commit(root, "start")


def test_git_state_is_none_outside_of_a_repository(root):
    assert code.git_state(root) is None


def test_files_of_stages_leave_the_tree_clean(root):
    head = commit(root)
    (root / "dvc.lock").write_text("made")
    (root / "data").mkdir()
    (root / "data" / "made.yaml").write_text("made: 1\n")
    assert code.git_state(root) == {"commit": head, "shallow": False, "dirty": False}


def test_a_dirty_tree_has_diff_and_untracked_modules(root):
    head = commit(root)
    (root / "tasks" / "work.py").write_text("x = 2\n")
    (root / "tasks" / "new.py").write_text("y = 1\n")
    (root / "notes.txt").write_text("no code\n")
    found = code.git_state(root)
    assert (found["commit"], found["dirty"]) == (head, True)
    assert "-x = 1\n+x = 2" in found["diff"]
    assert found["diff_sha256"] == hashlib.sha256(found["diff"].encode()).hexdigest()
    assert found["untracked"] == {"tasks/new.py": sha256(root / "tasks" / "new.py")}
    # The diff is whole: put over the commit, it gives the tree.
    clean = root.parent / "clean"
    toy.call(root.parent, "git", "clone", "--quiet", str(root), str(clean))
    (root.parent / "diff").write_text(found["diff"] + "\n")
    toy.call(clean, "git", "apply", str(root.parent / "diff"))
    assert (clean / "tasks" / "work.py").read_text() == "x = 2\n"


@pytest.mark.parametrize("mark", ["--assume-unchanged", "--skip-worktree"])
def test_a_change_that_git_is_told_to_overlook_is_recorded(root, mark):
    head = commit(root)
    toy.call(root, "git", "update-index", mark, "tasks/work.py")
    assert code.git_state(root) == {"commit": head, "shallow": False, "dirty": False}
    (root / "tasks" / "work.py").write_text("x = 2\n")
    found = code.git_state(root)
    assert (found["dirty"], found["untracked"]) == (True, {"tasks/work.py": sha256(root / "tasks" / "work.py")})


@pytest.mark.parametrize("patterns", [".git/info/exclude", ".gitignore"])
def test_a_new_module_that_git_is_told_to_ignore_is_recorded(root, patterns):
    commit(root)
    (root / patterns).write_text("new.py\n.gitignore\n")
    (root / "cli").mkdir()
    (root / "cli" / "new.py").write_text("y = 1\n")
    assert code.git_state(root)["untracked"] == {"cli/new.py": sha256(root / "cli" / "new.py")}


def test_the_diff_holds_everything_before_the_first_commit(root):
    toy.call(root, "git", "init", "--quiet")
    toy.call(root, "git", "add", "tasks")
    found = code.git_state(root)
    assert (found["commit"], found["dirty"], list(found["untracked"])) == (None, True, ["params.yaml"])
    assert "+x = 1" in found["diff"]


def test_a_shallow_clone_is_recorded(root):
    commit(root)
    (root / "tasks" / "work.py").write_text("x = 2\n")
    toy.call(root, "git", "commit", "--quiet", "-am", "more")
    clone = root.parent / "clone"
    toy.call(root.parent, "git", "clone", "--quiet", "--depth", "1", f"file://{root}", str(clone))
    found = code.git_state(clone)
    assert (found["shallow"], found["dirty"]) == (True, False)


def test_a_worker_records_the_commit_of_the_sender(root, monkeypatch):
    base = commit(root)
    (root / "params.yaml").write_text("rho: 0.2\n")
    asked = code.git_state(root)
    toy.call(root, "git", "commit", "--quiet", "-am", "the tree as it stood, sent to a worker")
    monkeypatch.setenv(code.BASE, base)
    assert code.git_state(root) == asked


def test_imported_files_of_the_project_are_modules(root, monkeypatch):
    (root / "soundfile.py").write_text("shadows = 'the library'\n")
    (root / "cli").mkdir()
    (root / "cli/stage.py").write_text("main = print\n")
    paths = {"tasks.work": "tasks/work.py", "soundfile": "soundfile.py", "not_a_file": "_ops.py"}
    for name, path in (paths | {"__main__": "cli/stage.py"}).items():
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(__file__=str(root / path)))
    assert list(code.imported_modules(root)) == ["soundfile.py", "tasks/work.py"]


def test_the_environment_has_the_installed_versions(root):
    (root / "requirements.lock").write_text("torch==2\n")
    found = code.environment(root)
    assert found["lock_sha256"] == sha256(root / "requirements.lock")
    for name in ("torch", "dvc", "great-expectations", "ruamel.yaml"):
        assert found["packages"][metadata.distribution(name).name.lower()] == metadata.version(name)
