"""Project in a folder of a larger Git repository: paths in Git began at the top, so files of commits were not found."""

import json
import logging
import shutil
from pathlib import Path

import pytest
from prefect.states import Completed

from flows import graph, registry, workspaces
from flows.git_commits import commit_working_tree
from flows.plan import plan
from flows.processes.stage_process import StageProcesses
from flows.remote import clones, dispatch, stage_outputs, worker
from flows.remote.stage_files import StageFiles
from flows.remote.transfer_commands import TransferCommands
from flows.scheduling.scheduler import Unit
from lineage import code, versions
from lineage.diff.comparison import compare
from lineage.diff.runs import open_run
from lineage.git import file_at, prefix
from lineage.trace import revision
from lineage.verify import verification
from tests import toy
from tests.unit.flows.test_registry import GRAPH, train
from tests.unit.lineage import small


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Return a toy project in `lab/sounds` of a repository, with two versions of its model."""
    top = tmp_path_factory.mktemp("bigger")
    folder = toy.make(top / "lab" / "sounds", GRAPH, top=top)
    (folder / ".gitignore").write_text("/data/\n/reports/\n/.backfill/\n/.lineage/\n/.locks/\n")
    for name in ("params.yaml", "dvc.yaml", "reports/scores.json"):  # what a path from the top would find
        (top / name).parent.mkdir(exist_ok=True)
        (top / name).write_text("{}\n")
    toy.commit(top, "start")
    train(folder, "51.5")
    registry.promote(folder, stage="staging")
    train(folder, "54.25")
    registry.promote(folder)
    return folder


@pytest.fixture
def project(made, tmp_path) -> Path:
    return shutil.copytree(made.parents[1], tmp_path / "top", symlinks=True) / "lab/sounds"


@pytest.mark.slow
def test_versions_have_the_names_that_dvc_and_gto_expect(project, tmp_path):
    tags = toy.call(project, "git", "tag", "--list", "--sort=taggerdate").split()
    assert tags[:2] == ["lab/sounds=student@v1.0.0", "lab/sounds=student#staging#1"]
    first, second = registry.versions(project)
    assert (str(first), first.scores["val.student.score_strict"]) == ("student@v1.0.0", 51.5)
    assert (str(second), second.stages) == ("student@v1.1.0", ("production",))
    for what, score in (("student@v1.0.0", "51.5"), ("student#production", "54.25"), (first.commit, "51.5")):
        assert (registry.fetch(project, what) / "val.safetensors").read_text().strip() == score
    get = ("dvc", "artifacts", "get", str(project.parents[1]), "lab/sounds:student", "--rev", "v1.0.0")
    toy.call(tmp_path, *get, "--out", "got")
    assert (tmp_path / "got" / "1" / "val.safetensors").read_text() == "51.5\n"
    assert registry.is_current(project, second)
    assert versions.commit_of(project, "student@v1.0.0") == first.commit


@pytest.mark.slow
def test_workspaces_have_the_project_alone_and_know_its_commit(project):
    commit = registry.versions(project)[0].commit
    at_commit, of_tree = project / ".backfill/a", project / ".backfill/b"
    for workspace, name in ((at_commit, commit), (of_tree, None)):
        workspaces.update_code(project, workspace, workspaces.cache_of(project), revision=name)
        (workspace / "params.yaml").write_text(workspaces.params_text(project, name))
    assert (at_commit / "src.txt").read_text() == "51.5\n"
    assert not (at_commit / "lab").exists()
    assert code.git_state(at_commit) == {"commit": commit, "shallow": False, "dirty": False}
    assert file_at(at_commit, "HEAD", "src.txt") == b"source\n"
    changed = code.git_state(of_tree)
    assert changed == code.git_state(project)
    assert "diff --git a/src.txt b/src.txt" in changed["diff"]
    (of_tree / "new.py").write_text("")
    assert list(code.git_state(of_tree)["untracked"]) == ["new.py"]


@pytest.mark.slow
def test_a_worker_runs_the_project_in_its_clone(project, tmp_path, monkeypatch):
    monkeypatch.setenv("BREATHLINE_CLONES", str(tmp_path / "clones"))
    top, folder = project.parents[1], prefix(project).rstrip("/")
    commit = commit_working_tree(project, "for a worker")
    toy.call(top, "git", "branch", "inputs", commit)
    with clones.exclusive_clone(str(top)) as clone, StageProcesses() as processes:
        here = TransferCommands(clone, processes, print)
        commands = clones.check_out(here, repository=str(top), folder=folder, ref="inputs", commit=commit)
        there = commands.root
        assert there == clone / "lab/sounds"
        assert toy.call(there, "dvc", "cache", "dir").strip() == str(clone.parent / "cache")
        for name in ("data/student/1/model.json", ".checkpoints/1", "old.txt"):
            (there / name).parent.mkdir(parents=True, exist_ok=True)
            (there / name).write_text("left")
        clones.clean(there, keep=["data/student/1"])
        assert (there / "data/student/1/model.json").exists()
        assert (there / ".checkpoints/1").exists()
        assert not (there / "old.txt").exists()
        shutil.rmtree(there / "data")
        toy.call(there, "dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
        toy.call(there, "dvc", "repro", "--quiet")
        files = StageFiles((), (), (), git_outs=("reports/scores.json",), gpu=False)
        stage_outputs.send(commands, "evaluate", files, repository=str(top), ref="refs/breathline/outs", remote="store")
    toy.call(project, "dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    (project / "reports/scores.json").unlink()
    with StageProcesses() as processes:
        sent = toy.call(project, "git", "rev-parse", "refs/breathline/outs").strip()
        mine = TransferCommands(project, processes, print)
        stage_outputs.fetch(mine, "evaluate", files, commit=sent, remote="store")
    assert json.loads((project / "reports/scores.json").read_text())["val"]["student"]["score_strict"] == 54.25


@pytest.mark.long  # a worker's push, pull and repro by DVC
def test_a_stage_is_sent_to_a_worker_and_comes_back(project, tmp_path, monkeypatch):
    monkeypatch.setenv("BREATHLINE_CLONES", str(tmp_path / "clones"))
    monkeypatch.setattr(worker, "get_run_logger", logging.getLogger)
    sent = {}

    def run_at_once(pool, parameters, **_):
        sent.update(parameters)
        return worker.stage_on_worker.fn(**parameters) or Completed()

    monkeypatch.setattr(dispatch.run_monitor, "run", run_at_once)
    toy.call(tmp_path, "git", "init", "--quiet", "--bare", "origin.git")
    toy.call(project, "git", "remote", "add", "origin", str(tmp_path / "origin.git"))
    toy.call(project, "dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    (project / "src.txt").write_text("60\n")
    toy.call(project, "dvc", "repro", "--quiet", "train")
    (step,) = [step for step in plan(graph.read(project)) if step.stage == "evaluate"]
    with StageProcesses() as processes:
        dispatch.run_on_worker(Unit(project, step, "evaluate", pool="gpu"), processes, {}, print)
    assert sent["folder"] == "lab/sounds"
    assert json.loads((project / "reports/scores.json").read_text())["val"]["student"]["score_strict"] == 60
    assert [stage.changes for stage in graph.read(project) if stage.name == "evaluate"] == [()]
    assert toy.call(project, "git", "ls-remote", "origin") == ""


@pytest.mark.long  # DVC's commit of a project with all records
def test_audits_of_the_project(tmp_path):
    project = small.build(tmp_path / "top" / "lab" / "sounds", top=tmp_path / "top")
    small.lock(project)
    found = verification.verify(project)
    assert {finding.kind for finding in found.findings} == set(), found.findings
    (project / "tasks/evaluate.py").write_text("x = 1\n")
    kinds = {(finding.kind, finding.where) for finding in verification.verify(project).findings}
    assert ("module-changed", "tasks/evaluate.py") in kinds
    same = compare(open_run("HEAD", project), open_run(".", project))
    assert not any((same.source, same.recordings, same.cycles, same.parameters, same.figures, same.code)), same
    with revision.resolve(project, "HEAD:data/student/1") as target:
        assert (target.folder / "params.yaml").read_bytes() == (project / "params.yaml").read_bytes()
