"""Files of a stage, by transport."""

import pytest

from flows.processes.stage_process import StageProcesses
from flows.remote import stage_files
from tasks.runtime.errors import BreathlineError
from tests import toy

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
