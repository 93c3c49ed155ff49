"""Commits of the working tree, without a change of branch, index or files."""

from __future__ import annotations

import pytest

from flows import git_commits
from tasks.runtime.errors import BreathlineError
from tests import toy


def test_a_commit_holds_the_working_tree_and_changes_no_ref(tmp_path):
    folder = toy.make(tmp_path)
    toy.call(folder, "git", "add", ".")
    toy.call(folder, "git", "commit", "--quiet", "-m", "start")
    head = toy.call(folder, "git", "rev-parse", "HEAD").strip()
    assert git_commits.commit_working_tree(folder, "nothing new") == head

    (folder / "params.yaml").write_text("rho: 0.1\n")
    (folder / ".gitignore").write_text("dvc.lock\n")
    (folder / "dvc.lock").write_text("schema: '2.0'\n")
    (folder / "stray.txt").write_text("not tracked\n")
    (folder / "src.txt").write_text("staged\n")
    toy.call(folder, "git", "add", "src.txt")
    before = toy.call(folder, "git", "status", "--porcelain")
    made = git_commits.commit_working_tree(folder, "as it stands")
    assert toy.call(folder, "git", "show", f"{made}:params.yaml") == "rho: 0.1\n"
    assert toy.call(folder, "git", "show", f"{made}:dvc.lock") == "schema: '2.0'\n"
    assert toy.call(folder, "git", "show", f"{made}:src.txt") == "staged\n"
    assert "stray.txt" not in toy.call(folder, "git", "ls-tree", "-r", "--name-only", made)
    assert toy.call(folder, "git", "rev-parse", f"{made}^").strip() == head
    assert toy.call(folder, "git", "status", "--porcelain") == before
    assert toy.call(folder, "git", "rev-parse", "HEAD").strip() == head


def test_without_a_first_commit_the_error_is_clear(tmp_path):
    with pytest.raises(BreathlineError, match="Git repository with at least one commit"):
        git_commits.commit_working_tree(toy.make(tmp_path), "x")
