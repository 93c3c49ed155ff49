"""Scheduling loop, with stages that are futures of the test."""

from collections.abc import Iterable
from concurrent.futures import Future, wait
from pathlib import Path

import pytest

from flows.plan import Step
from flows.processes.stage_errors import StageFailedError
from flows.scheduling import scheduler
from flows.scheduling.scheduler import Event, Unit, first_failures, run

A, B = Path("a"), Path("b")


def unit(stage: str, *after: str, workspace: Path = A, work: str = "", pool: str | None = None) -> Unit:
    return Unit(workspace, Step(stage, True, ("changed",), after), work or f"{workspace}/{stage}", pool)


class Stages:
    """Stages that end, the first one first, when the scheduler waits; the names in `failing` fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *failing: str) -> None:
        self.failing = failing
        self.running: dict[Future[None], str] = {}
        self.together: list[set[str]] = []
        monkeypatch.setattr(scheduler, "wait", self.wait)

    def start(self, unit: Unit) -> Future[None]:
        future: Future[None] = Future()
        self.running[future] = f"{unit.workspace}/{unit.step.stage}"
        self.together.append(set(self.running.values()))
        return future

    def wait(self, futures: Iterable[Future[None]], return_when: str) -> tuple[set[Future[None]], set[Future[None]]]:
        assert [*futures] == [*self.running]
        future, name = next(iter(self.running.items()))
        del self.running[future]
        if name in self.failing:
            future.set_exception(StageFailedError(f"{name} failed"))
        else:
            future.set_result(None)
        return wait(futures, return_when=return_when)


def test_a_stage_starts_after_its_upstream_stages_and_independent_stages_run_side_by_side(monkeypatch):
    stages, events = Stages(monkeypatch), list[Event]()
    units = [unit("data"), unit("one", "data"), unit("two", "data"), unit("end", "one", "two")]
    results = run(units, jobs=3, start=stages.start, notify=events.append)
    assert stages.together == [{"a/data"}, {"a/one"}, {"a/one", "a/two"}, {"a/end"}]
    assert list(results.values()) == [None] * 4
    assert (events[0].state, events[0].done, events[0].total) == ("started", 0, 4)
    assert (events[-1].state, events[-1].done, events[-1].total) == ("completed", 4, 4)


def test_no_more_jobs_than_allowed_run_here_and_stages_elsewhere_take_none(monkeypatch):
    stages = Stages(monkeypatch)
    units = [*(unit(f"here{n}") for n in range(4)), *(unit(f"there{n}", pool="gpu") for n in range(3))]
    assert len(run(units, jobs=2, start=stages.start)) == 7
    assert max(sum(name.startswith("a/here") for name in names) for names in stages.together) == 2
    assert {"a/there0", "a/there1", "a/there2"} <= max(stages.together, key=len)


def test_equal_work_never_runs_at_once(monkeypatch):
    stages = Stages(monkeypatch)
    units = [unit("fbank", workspace=folder, work="same") for folder in (A, B)]
    assert len(run(units, jobs=2, start=stages.start)) == 2
    assert stages.together == [{"a/fbank"}, {"b/fbank"}]


def test_after_a_failure_all_that_does_not_depend_on_it_runs(monkeypatch):
    stages = Stages(monkeypatch, "a/bad")
    units = [unit("bad"), unit("after", "bad"), unit("last", "after"), unit("other"), unit("bad", workspace=B)]
    results = run(units, jobs=1, start=stages.start)
    assert [one.step.stage for one in results] == ["bad", "other", "bad"]
    assert {folder: str(failure) for folder, failure in first_failures(results).items()} == {A: "a/bad failed"}


def test_an_error_that_is_no_failure_of_a_stage_ends_the_run():
    future: Future[None] = Future()
    future.set_exception(RuntimeError("broken"))
    with pytest.raises(RuntimeError, match="broken"):
        run([unit("one")], jobs=1, start=lambda _: future)
