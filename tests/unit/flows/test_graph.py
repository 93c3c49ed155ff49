"""Changes of the stages of a toy graph, and the plan that follows from them."""

import shutil

import pytest
from dvc.repo import Repo
from hypothesis import given
from hypothesis import strategies as st

from flows import graph
from flows.graph import Change, Stage
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


@pytest.mark.slow
def test_a_finished_project_has_no_changes(project):
    assert changes(project) == {}


def test_the_parameters_are_read_once_for_all_stages(project, monkeypatch):
    monkeypatch.setattr(
        "dvc.dependency.param.read_param_file", lambda *_, **__: pytest.fail("a stage reads them again")
    )
    (project / "params.yaml").write_text((project / "params.yaml").read_text().replace("lr: 0.1", "lr: 0.3"))
    assert set(changes(project)) == {"teacher@a", "teacher@b"}


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


@pytest.mark.slow
def test_no_repository_and_a_held_lock_are_clear_errors(tmp_path, project):
    with pytest.raises(BreathlineError, match="no DVC project"):
        graph.read(tmp_path)
    with Repo(str(project)) as other, other.lock, pytest.raises(BreathlineError, match="locked"):
        graph.read(project)


RHO = Change("param", "student.optimizer.rho", "0.05 → 0.1")
# a → b → d, c alone
GRAPH = (
    Stage("a", (), ("data/a",), ()),
    Stage("c@1", (), ("data/c/1",), ()),
    Stage("b", ("a",), ("data/b",), ()),
    Stage("d", ("b",), ("data/d",), ()),
)


def changed_graph(name: str, *changes: Change) -> tuple[Stage, ...]:
    return tuple(Stage(s.name, s.upstream, s.outs, changes if s.name == name else s.changes) for s in GRAPH)


def reasons(**kwargs):
    return {step.stage: step.reasons for step in plan(**kwargs) if step.runs}


def test_nothing_to_do():
    assert reasons(stages=GRAPH) == {}


def test_a_changed_parameter_runs_its_stage_and_downstream_stages():
    assert reasons(stages=changed_graph("b", RHO)) == {
        "b": ("param student.optimizer.rho: 0.05 → 0.1",),
        "d": ("upstream b runs",),
    }


def test_a_dep_that_an_upstream_stage_makes_again_is_no_reason():
    stages = [*changed_graph("b", RHO)]
    # The whole folder data/ is d's dep, and b's out lies in it.
    stages[3] = Stage("d", ("b",), ("data/d",), (Change("dep", "data", "modified"), Change("dep", "x.py", "modified")))
    assert reasons(stages=stages)["d"] == ("dep x.py: modified", "upstream b runs")


def test_a_target_leaves_out_other_stages():
    steps = plan([*changed_graph("b", RHO)], targets=["b"])
    assert [step.stage for step in steps] == ["a", "b"]


def test_force_by_the_name_of_a_group():
    (step,) = [step for step in plan(GRAPH, force=["c"]) if step.runs]
    assert (step.stage, step.reasons, step.force) == ("c@1", ("forced",), True)


def test_an_unknown_stage_is_an_error_that_lists_the_known_ones():
    with pytest.raises(BreathlineError, match=r"no stage `e`(.|\n)*a, c@1, b, d"):
        plan(GRAPH, targets=["e"])


@given(st.data())
def test_exactly_the_changed_stages_and_their_downstream_stages_run(data):
    size = data.draw(st.integers(1, 8))
    upstream = [data.draw(st.sets(st.integers(0, i - 1))) if i else set() for i in range(size)]
    touched = data.draw(st.sets(st.integers(0, size - 1)))
    stages = [
        Stage(str(i), tuple(map(str, sorted(upstream[i]))), (f"o{i}",), (RHO,) if i in touched else ())
        for i in range(size)
    ]
    expected = set(touched)
    for i in range(size):
        if upstream[i] & expected:
            expected.add(i)
    steps = plan(stages)
    assert {int(step.stage) for step in steps if step.runs} == expected
    # A step waits for exactly those of its upstream stages that run.
    assert all({int(name) for name in step.upstream} == upstream[int(step.stage)] & expected for step in steps)


def test_a_dvcignore_that_is_not_utf_8_is_named_with_its_line(tmp_path):
    folder = toy.make(tmp_path)
    for place in (".dvcignore", "data/.dvcignore"):
        path = folder / place
        path.parent.mkdir(exist_ok=True)
        path.write_bytes("*.tmp\n# Größe\n".encode("latin-1"))
        with pytest.raises(BreathlineError, match=r"not UTF-8: byte 0xF6") as caught:
            graph.read(folder)
        assert caught.value.where == f"{path}:2"
        path.unlink()
