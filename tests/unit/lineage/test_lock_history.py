"""Earlier versions of dvc.lock in Git."""

import pytest

from lineage import lock_history
from lineage.verify.earlier_versions import EarlierVersions
from lineage.verify.file_hashes import FileHashes
from tests import toy

LOCK = """\
schema: '2.0'
stages:
  first:
    cmd: run
    outs:
    - path: a
      md5: {}
  last@x:
    cmd: 'two: words'
"""


def commit(root, text, message):
    (root / "dvc.lock").write_text(text)
    return toy.commit(root, message)


def head(root):
    return toy.call(root, "git", "rev-parse", "HEAD").strip()


def test_blocks_of_every_commit_that_any_ref_or_reflog_names(tmp_path):
    root = tmp_path / "top/project"
    root.mkdir(parents=True)
    toy.call(tmp_path / "top", "git", "init", "--quiet")
    assert lock_history.blocks(root) == []
    commits = {}
    for md5 in ("1", "2", "3", "2"):
        commit(root, LOCK.format(md5), f"run {md5}")
        commits[md5] = head(root)
        if md5 == "1":  # a run of an experiment, whose commit only a ref holds
            toy.call(root, "git", "checkout", "--quiet", "--detach")
    toy.call(root, "git", "commit", "--quiet", "--amend", "-m", "run 2 again")
    found = lock_history.blocks(root)
    made = {block.given["outs"][0]["md5"]: block for block in found if block.stage == "first"}
    assert {str(md5) for md5 in made} == {"1", "2", "3"}
    assert [str(block.given["cmd"]) for block in found if block.stage == "last@x"] == ["two: words"]
    assert made[3].commit == commits["3"]


@pytest.mark.parametrize(("limit", "made"), [(1, 1), (None, 3)])
def test_older_commits_are_read_on_request(tmp_path, limit, made):
    toy.call(tmp_path, "git", "init", "--quiet")
    for md5 in (1, 2, 3):
        commit(tmp_path, LOCK.format(md5), f"run {md5}")
    found = EarlierVersions(tmp_path, FileHashes(tmp_path), limit).blocks["first"]
    assert len({block.given["outs"][0]["md5"] for block in found}) == made


def test_a_lock_that_cannot_be_read_has_no_keys_and_another_format_no_stages(tmp_path):
    toy.call(tmp_path, "git", "init", "--quiet")
    commit(tmp_path, LOCK.format("'x"), "torn")
    commit(tmp_path, "stages: {first: {cmd: run}}\n", "other")
    found = {block.stage: block.given for block in lock_history.blocks(tmp_path)}
    assert found == {"first": {}, "last@x": {"cmd": "two: words"}}


def test_no_repository_has_no_commits(tmp_path):
    assert lock_history.blocks(tmp_path) == []
