import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.graph import Change, Stage
from flows.plan import plan
from tasks.runtime.errors import BreathlineError

RHO = Change("param", "student.optimizer.rho", "0.05 → 0.1")
# a → b → d, c alone
GRAPH = (
    Stage("a", (), ("data/a",), ()),
    Stage("c@1", (), ("data/c/1",), ()),
    Stage("b", ("a",), ("data/b",), ()),
    Stage("d", ("b",), ("data/d",), ()),
)


def changed(name: str, *changes: Change) -> tuple[Stage, ...]:
    return tuple(Stage(s.name, s.upstream, s.outs, changes if s.name == name else s.changes) for s in GRAPH)


def reasons(**kwargs):
    return {step.stage: step.reasons for step in plan(**kwargs) if step.runs}


def test_nothing_to_do():
    assert reasons(stages=GRAPH) == {}


def test_a_changed_parameter_runs_its_stage_and_downstream_stages():
    assert reasons(stages=changed("b", RHO)) == {
        "b": ("param student.optimizer.rho: 0.05 → 0.1",),
        "d": ("upstream b runs",),
    }


def test_a_dep_that_an_upstream_stage_makes_again_is_no_reason():
    stages = [*changed("b", RHO)]
    # The whole folder data/ is d's dep, and b's out lies in it.
    stages[3] = Stage("d", ("b",), ("data/d",), (Change("dep", "data", "modified"), Change("dep", "x.py", "modified")))
    assert reasons(stages=stages)["d"] == ("dep x.py: modified", "upstream b runs")


def test_a_target_leaves_out_other_stages():
    steps = plan([*changed("b", RHO)], targets=["b"])
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
