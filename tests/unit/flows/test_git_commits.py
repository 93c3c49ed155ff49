"""Commits of the working tree, without a change of branch, index or files."""

import pytest

from flows import git_commits
from tasks.runtime.errors import BreathlineError
from tests import toy


def test_a_commit_holds_the_working_tree_and_changes_no_ref(tmp_path):
    folder = toy.make(tmp_path)
    head = toy.commit(folder, "start")
    assert git_commits.commit_working_tree(folder, "nothing new") == head

    changed = {"params.yaml": "rho: 0.1\n", "dvc.lock": "schema: '2.0'\n", "src.txt": "staged\n"}
    for name, text in {**changed, ".gitignore": "dvc.lock\n", "stray.txt": "not tracked\n"}.items():
        (folder / name).write_text(text)
    (folder / "new.txt").write_text("added\n")
    toy.call(folder, "git", "add", "src.txt", "new.txt")
    changed["new.txt"] = "added, and changed since\n"
    (folder / "new.txt").write_text(changed["new.txt"])
    before = toy.call(folder, "git", "status", "--porcelain")
    made = git_commits.commit_working_tree(folder, "as it stands")
    assert {name: toy.call(folder, "git", "show", f"{made}:{name}") for name in changed} == changed
    assert "stray.txt" not in toy.call(folder, "git", "ls-tree", "-r", "--name-only", made)
    assert toy.call(folder, "git", "rev-parse", f"{made}^").strip() == head
    assert toy.call(folder, "git", "status", "--porcelain") == before
    assert toy.call(folder, "git", "rev-parse", "HEAD").strip() == head


def test_without_a_first_commit_the_error_is_clear(tmp_path):
    with pytest.raises(BreathlineError, match="Git repository with at least one commit"):
        git_commits.commit_working_tree(toy.make(tmp_path), "x")
