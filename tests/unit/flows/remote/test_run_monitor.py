"""Monitor of a remote run: over a pause of the server, and over the loss of a worker whose run starts again."""

from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest
from prefect.client.schemas.objects import State, StateType
from prefect.states import AwaitingRetry, Completed, Running

from flows.processes.stage_process import StageProcesses
from flows.remote import run_monitor

LOST = State(type=StateType.CRASHED, name="Lost")


class Server:
    """A server whose run has another state at each request, and logs a line in each state."""

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
        return run_monitor._wait(Server(*states), uuid4(), "gpu", StageProcesses(), lines.append), lines

    return followed


def test_each_line_of_the_stage_is_logged_once_and_no_other_line(follow):
    state, lines = follow(Running(), Running(), Completed())
    assert state.is_completed()
    assert lines == [f"prefect.flow_runs.stage {name}" for name in ("Running", "Running", "Completed")]


def test_a_lost_run_that_starts_again_is_awaited(follow):
    assert follow(Running(), LOST, LOST, AwaitingRetry(), Running(), Completed())[0].is_completed()
    assert follow(Running(), LOST)[0].name == "Lost"


def test_a_server_that_does_not_answer_for_a_moment_is_awaited(follow):
    assert follow(Running(), httpx.ConnectError("refused"), Completed())[0].is_completed()
