"""Files of a stage by transport, and addresses of remotes that are valid on another machine."""

import pytest

from flows.processes.stage_process import StageProcesses
from flows.remote import remotes, stage_files
from tasks.runtime.errors import BreathlineError
from tests import toy

pytestmark = pytest.mark.slow  # half a second each
GRAPH = """\
stages:
  first:
    cmd: a
    outs: [data/first, {scores.json: {cache: false}}]
  second:
    cmd: b
    meta: {gpu: true}
    deps: [code, data/first/part, scores.json, raw]
    params: [rho]
    outs: [data/second]
    metrics: [metrics.json: {cache: false}]
  folder:
    cmd: c
    deps: [data]
    outs: [out.txt]
  stray:
    cmd: d
    deps: [../elsewhere.txt]
    outs: [stray.txt]
"""


def test_the_files_of_a_stage_by_transport(tmp_path):
    folder = toy.make(tmp_path / "project", GRAPH)
    (folder / "raw").mkdir()
    (folder / "raw" / "a.wav").write_text("sound")
    toy.call(folder, "dvc", "add", "raw")
    (folder / "code").mkdir()
    (folder / "code" / "a.py").write_text("1")
    (folder / ".dvcignore").write_text("*.pyc\n")
    (folder / "code" / "a.pyc").write_text("not tracked")
    toy.call(folder, "git", "add", ".dvc", "dvc.yaml", "params.yaml")
    with stage_files.locked_repo(folder, StageProcesses()) as repo:
        found = stage_files.read(repo, "second")
        assert found == stage_files.StageFiles(
            dvc_deps=("data/first", "raw"),
            git_deps=("scores.json",),
            files=(".dvc/config", "code", "data/first/part", "dvc.yaml", "params.yaml", "raw.dvc"),
            git_outs=("metrics.json",),
            gpu=True,
        )
        assert stage_files.read(repo, "folder").dvc_deps == ("data/first", "data/second")
        with pytest.raises(BreathlineError, match=r"(?s)outside of the project.*\.\./elsewhere\.txt"):
            stage_files.read(repo, "stray")
        with pytest.raises(BreathlineError) as refused:
            stage_files.check_in_git(repo, found)
        assert refused.value.where == "code/a.py, raw.dvc"


@pytest.fixture
def project(tmp_path):
    folder = toy.make(tmp_path / "project")
    toy.call(folder, "git", "remote", "add", "origin", "../origin.git")
    toy.call(folder, "dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    return folder


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("https://user:secret@example.org/a/b.git", "https://example.org/a/b.git"),
        ("https://token@example.org:8443/b.git", "https://example.org:8443/b.git"),
        ("ssh://git@example.org:22/b.git", "ssh://git@example.org:22/b.git"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
    ],
)
def test_an_address_is_sent_without_its_secrets(project, here, there):
    toy.call(project, "git", "remote", "set-url", "origin", here)
    assert remotes.shared_remotes(project).repository == there


def test_a_local_remote_gets_an_absolute_path(project):
    (project.parent / "origin.git").mkdir()
    found = remotes.shared_remotes(project)
    assert found.repository == str(project.parent / "origin.git")
    assert (found.git, found.dvc) == ("origin", "store")


def test_remotes_that_a_worker_could_not_use_are_refused(project):
    for commands, message in (
        (["dvc remote modify store url ../store"], "relative to this clone"),
        (["dvc remote modify --local store url s3://bucket"], r"config\.local, which workers do not have"),
        (["dvc config --unset core.remote"], "no default DVC remote"),
        (["git remote rename origin here", "git remote add there ../there.git"], "none of them called origin"),
    ):
        for command in commands:
            toy.call(project, *command.split())
        with pytest.raises(BreathlineError, match=message):
            remotes.shared_remotes(project)
