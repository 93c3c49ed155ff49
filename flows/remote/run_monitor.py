"""Monitor of a stage's run on a remote worker: its log, its last state, and its cancellation."""

import time
from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from flows.processes.process_groups import Log, ProcessGroups
from flows.processes.stage_errors import StageFailedError
from tasks.runtime.errors import BreathlineError

FLOW = "stage-on-worker"
# Logger of the stage's own lines, apart from Prefect's messages about the run.
LOGGER = "stage"
POLL_S = 0.5
WAITING_S = 30.0  # until a hint about missing workers
SERVER_TIMEOUT_S = 600.0
LOST, LOST_S = "Lost", 60.0  # the automation that starts lost runs once more takes some seconds
CANCEL_S = 25.0  # a worker that is itself being cancelled is killed after 30 s
PAGE = 200


def run(pool: str, parameters: Mapping[str, Any], *, name: str, processes: ProcessGroups, log: Log) -> State[Any]:
    """Start a run on a worker of a pool, wait for its end, and return its last state.

    When the processes of the calling run end, the worker's run is cancelled. `log` takes each line of the stage.
    """
    if not PREFECT_API_URL.value():
        raise BreathlineError(
            "A stage on another worker needs a Prefect server that both machines use.",
            where="PREFECT_API_URL",
            hint="`prefect server start`, set PREFECT_API_URL, `breathline deploy` (docs/how-to/workers.md)",
        )
    try:
        started = cast(
            "FlowRun", run_deployment(f"{FLOW}/{pool}", parameters=dict(parameters), flow_run_name=name, timeout=0)
        )
    except ObjectNotFound as error:
        raise BreathlineError(
            f"The Prefect server has no deployment for workers of the pool {pool}.",
            where=f"deployment {FLOW}/{pool}",
            hint=f"`breathline deploy --pool {pool}`, then `prefect worker start --pool {pool}` on the other machine",
        ) from error
    with get_client(sync_client=True) as client:
        return _wait(client, started.id, pool, processes, log)


def _wait(client: SyncPrefectClient, run_id: UUID, pool: str, processes: ProcessGroups, log: Log) -> State[Any]:
    started_at = answered_at = time.monotonic()
    ended_at: float | None = None
    lines, hint_given = 0, False
    while True:
        if processes.ended:
            _cancel(client, run_id)
            raise StageFailedError("The run is ending, and its stage on the worker with it.")
        try:
            # In this order, no line is missing once the state is final.
            state = client.read_flow_run(run_id).state
            lines = _relay(client, run_id, lines, log)
            answered_at = time.monotonic()
        except httpx.HTTPError as error:
            if time.monotonic() - answered_at > SERVER_TIMEOUT_S:
                raise StageFailedError(
                    f"The Prefect server no longer answers: {error}.",
                    where=PREFECT_API_URL.value(),
                    hint="the worker continues; once the server is back, the next run uses its outs",
                ) from error
            time.sleep(POLL_S * 10)
            continue
        if state is not None and state.is_final():
            ended_at = ended_at or time.monotonic()
            if state.name != LOST or time.monotonic() - ended_at > LOST_S:
                return state
        else:
            ended_at = None
        if not hint_given and state is not None and state.is_scheduled() and time.monotonic() - started_at > WAITING_S:
            log(f"Still waiting for a worker: `prefect worker start --pool {pool}` on the machine that is to run this.")
            hint_given = True
        time.sleep(POLL_S)


def _relay(client: SyncPrefectClient, run_id: UUID, seen: int, log: Log) -> int:
    """Pass on the new log lines, and return the number of lines so far."""
    wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]))
    while True:
        found = client.read_logs(wanted, limit=PAGE, offset=seen)
        for line in found:
            if line.name.endswith(f".{LOGGER}"):
                log(line.message)
        seen += len(found)
        if len(found) < PAGE:
            return seen


def _cancel(client: SyncPrefectClient, run_id: UUID) -> None:
    """Cancel a run and wait until its worker has ended it."""
    client.set_flow_run_state(run_id, State(type=StateType.CANCELLING))
    deadline = time.monotonic() + CANCEL_S
    while time.monotonic() < deadline:
        state = client.read_flow_run(run_id).state
        if state is not None and state.is_final():
            return
        time.sleep(POLL_S)
