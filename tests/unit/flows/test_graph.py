import shutil

import pytest
from dvc.repo import Repo

from flows import graph
from flows.graph import Change
from flows.plan import plan
from tasks.runtime.errors import BreathlineError
from tests import toy


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = toy.make(tmp_path_factory.mktemp("toy"))
    toy.call(folder, "dvc", "repro", "--quiet")
    return folder


@pytest.fixture
def project(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "toy", symlinks=True)


def changes(folder):
    return {stage.name: stage.changes for stage in graph.read(folder) if stage.changes}


def test_a_new_project_has_never_run_and_comes_in_topological_order(tmp_path):
    stages = graph.read(toy.make(tmp_path))
    assert [stage.name for stage in stages] == ["first", "teacher@a", "teacher@b", "last"]
    assert [stage.upstream for stage in stages] == [(), ("first",), ("first",), ("teacher@a", "teacher@b")]
    assert {change.state for stage in stages for change in stage.changes} == {"never run"}


def test_a_finished_project_has_no_changes(project):
    assert changes(project) == {}


def test_a_parameter_is_named_with_its_old_and_new_value(project):
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("b: {seed: 2, lr: 0.1}", "b: {seed: 2, lr: 0.2}"))
    assert changes(project) == {"teacher@b": (Change("param", "teachers.b.lr", "0.1 → 0.2"),)}


def test_command_dep_and_out(project):
    (project / "src.txt").write_text("other\n")
    shutil.rmtree(project / "data" / "b")
    toy_graph = project / "dvc.yaml"
    toy_graph.write_text(toy_graph.read_text().replace("cat data/*/model", "cat  data/*/model"))
    found = changes(project)
    assert found["first"] == (Change("dep", "src.txt", "modified"),)
    assert found["teacher@b"] == (Change("out", "data/b", "missing"),)
    assert found["last"] == (Change("command", "last", "modified"), Change("dep", "data", "modified"))
    # What DVC will make anew is not given as a reason twice.
    last = next(step for step in plan(graph.read(project)) if step.stage == "last")
    assert last.reasons == ("command modified", "upstream teacher@a, teacher@b run")


def test_the_plan_has_the_stages_that_dvc_runs(project):
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("seed: 1", "seed: 9"))
    steps = [step.stage for step in plan(graph.read(project)) if step.runs]
    printed = toy.call(project, "dvc", "repro")
    assert steps == ["teacher@a", "last"]
    assert [line.split("'")[1] for line in printed.splitlines() if line.startswith("Running stage")] == steps


def test_no_repository_and_a_held_lock_are_clear_errors(tmp_path, project):
    with pytest.raises(BreathlineError, match="no DVC repository"):
        graph.read(tmp_path)
    with Repo(str(project)) as other, other.lock, pytest.raises(BreathlineError, match="locked"):
        graph.read(project)
