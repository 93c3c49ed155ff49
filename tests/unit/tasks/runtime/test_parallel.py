"""Work on many items: results in order, few under way, errors as they were raised, nothing left."""

import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from flows import dask_map
from tasks.runtime import parallel
from tasks.runtime.errors import BreathlineError
from tasks.runtime.hooks import hooks

RUNNERS = ("threads", "processes")


def slow_first(number: int) -> int:
    """Take the longest for the first item, so that the others are ready before it."""
    time.sleep(0.3 if number == 0 else 0)
    return number * number


def refuse_seven(number: int) -> int:
    if number == 7:
        raise BreathlineError("Seven is refused.", where=Path("seven ü"), hint="take six")
    return number


def note_process(number: int, *, folder: Path) -> int:
    (folder / str(number)).write_text(str(os.getpid()))
    return number


def end_own_process(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(params=RUNNERS)
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(parallel.RUNNER, request.param)
    return str(request.param)


@pytest.mark.slow
@pytest.mark.usefixtures("runner")
def test_results_come_in_the_order_of_the_items():
    results = list(parallel.in_order(slow_first, range(50), workers=2, ahead=2, shard=3))
    assert results == [number * number for number in range(50)]


@pytest.mark.slow
@pytest.mark.usefixtures("runner")
def test_items_are_taken_only_as_there_is_room_for_them():
    taken: list[int] = []
    results = parallel.in_order(slow_first, (taken.append(n) or n for n in range(100)), workers=2, ahead=3, shard=1)
    assert taken == []
    for had in range(1, 20):
        next(results)
        assert len(taken) <= had + 4, "two for the workers and three ahead, one of them handed out"
    results.close()
    assert len(taken) < 30


@pytest.mark.usefixtures("runner")
def test_an_error_of_the_work_arrives_as_it_was_raised_after_what_came_before():
    results = parallel.in_order(refuse_seven, range(50), workers=2, ahead=2, shard=3)
    assert [next(results) for _ in range(7)] == list(range(7))
    with pytest.raises(BreathlineError) as caught:
        next(results)
    assert (str(caught.value.where), caught.value.hint) == ("seven ü", "take six")
    assert str(caught.value).splitlines() == ["Seven is refused.", "  where: seven ü", "  next:  take six"]


@pytest.mark.usefixtures("runner")
def test_an_error_of_the_items_arrives_too():
    def broken() -> Iterator[int]:
        yield 1
        raise BreathlineError("The file is cut off.")

    with pytest.raises(BreathlineError, match="cut off"):
        list(parallel.in_order(slow_first, broken(), workers=2, ahead=2, shard=1))


def test_processes_are_others_and_end_with_the_iterator(tmp_path, monkeypatch):
    monkeypatch.setenv(parallel.RUNNER, "processes")
    results = parallel.in_order(partial(note_process, folder=tmp_path), range(100), workers=2, ahead=2, shard=1)
    next(results)
    results.close()
    pids = {int(path.read_text()) for path in tmp_path.iterdir()}
    assert os.getpid() not in pids
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert len(list(tmp_path.iterdir())) < 10


def test_a_process_that_is_killed_is_an_error(monkeypatch):
    monkeypatch.setenv(parallel.RUNNER, "processes")
    with pytest.raises(BreathlineError, match="killed by another program"):
        list(parallel.in_order(end_own_process, range(3), workers=1, ahead=1, shard=1))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        *((name, f"no task runner `{name}`(.|\n)*processes") for name in ("ray", "dask:", "dask8786", "Threads")),
        ("dask", "started by its launcher"),
    ],
)
def test_an_unknown_runner_and_dask_without_the_launcher_are_refused_at_once(monkeypatch, name, message):
    monkeypatch.setenv(parallel.RUNNER, name)
    with pytest.raises(BreathlineError, match=message):
        parallel.in_order(slow_first, range(3), workers=1, ahead=1, shard=1)


def test_dask_without_a_server_that_runs_is_refused_at_once(monkeypatch):
    monkeypatch.setenv(parallel.RUNNER, "dask")
    monkeypatch.setattr(hooks, "dask_mapper", dask_map.in_order)
    monkeypatch.setattr("flows.prefect_server.check", lambda: None)  # as without PREFECT_API_URL
    with pytest.raises(BreathlineError, match="needs a running Prefect server"):
        parallel.in_order(slow_first, range(3), workers=1, ahead=1, shard=1)
