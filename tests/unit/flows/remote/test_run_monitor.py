"""Following a run elsewhere: over a server's pause, and over a worker's death where the run starts once more."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest
from prefect.client.schemas.objects import State, StateType
from prefect.states import AwaitingRetry, Completed, Running

from flows.processes.stage_process import Groups
from flows.remote import run_monitor

LOST = State(type=StateType.CRASHED, name="Lost")


class Server:
    """A server whose run goes through some states, one for each time that it is asked, and logs a line in each."""

    def __init__(self, *states: State | Exception) -> None:
        self._states, self._lines = list(states), []

    def read_flow_run(self, _run_id: object) -> SimpleNamespace:
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        if isinstance(state, Exception):
            raise state
        for name in ("prefect.flow_runs", "prefect.flow_runs.stage"):
            self._lines.append(SimpleNamespace(name=name, message=f"{name} {state.name}"))
        return SimpleNamespace(state=state)

    def read_logs(self, _filter: object, limit: int, offset: int) -> list[SimpleNamespace]:
        return self._lines[offset : offset + limit]


@pytest.fixture
def follow(monkeypatch):
    monkeypatch.setattr(run_monitor, "POLL_S", 0.01)
    monkeypatch.setattr(run_monitor, "LOST_S", 0.3)
    monkeypatch.setattr(run_monitor, "PAGE", 3)

    def followed(*states: State | Exception) -> tuple[State, list[str]]:
        lines: list[str] = []
        return run_monitor._followed(Server(*states), uuid4(), "gpu", Groups(), lines.append), lines

    return followed


def test_each_of_the_stages_lines_comes_once_and_no_other(follow):
    state, lines = follow(Running(), Running(), Completed())
    assert state.is_completed()
    assert lines == [f"prefect.flow_runs.stage {name}" for name in ("Running", "Running", "Completed")]


def test_a_lost_run_that_starts_once_more_is_awaited(follow):
    assert follow(Running(), LOST, LOST, AwaitingRetry(), Running(), Completed())[0].is_completed()
    assert follow(Running(), LOST)[0].name == "Lost"


def test_a_server_that_is_away_for_a_moment_is_awaited(follow):
    assert follow(Running(), httpx.ConnectError("refused"), Completed())[0].is_completed()
