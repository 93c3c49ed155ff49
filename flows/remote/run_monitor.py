"""A run of a deployment, followed from where it was asked for: its log, its end, and its cancellation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, cast
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from flows.processes.stage_process import Groups, StageFailedError
from tasks.runtime.errors import BreathlineError

FLOW = "stage-on-worker"
# The stage's own lines are logged under this name, apart from what Prefect says of the run.
LOGGER = "stage"
POLL_S = 0.5
WAITING_S = 30.0
PATIENCE_S = 600.0
LOST, LOST_S = "Lost", 60.0  # the automation that starts lost runs once more takes some seconds
CANCEL_S = 25.0  # a worker that is itself being cancelled is killed after 30 s
PAGE = 200


def run(
    pool: str, parameters: Mapping[str, Any], *, name: str, groups: Groups, log: Callable[[str], None]
) -> State[Any]:
    """Ask for a run on a worker of a pool, follow it to its end, and return its last state.

    Args:
        pool: The work pool.
        parameters: Of the flow.
        name: What the run is called.
        groups: The processes of the run that asks; when they end, the other run is cancelled.
        log: Takes the lines that the stage logs there.

    Raises:
        BreathlineError: No server is configured, or it knows no such deployment.
        StageFailedError: The run that asks is ending, or the server is gone for too long.
    """
    if not PREFECT_API_URL.value():
        raise BreathlineError(
            "Work on other workers needs a Prefect server that they know, too.",
            where="PREFECT_API_URL",
            hint="`prefect server start`, set PREFECT_API_URL, `breathline deploy` (docs/workers.md)",
        )
    try:
        asked = cast(
            "FlowRun",
            run_deployment(f"{FLOW}/{pool}", parameters=dict(parameters), flow_run_name=name, timeout=0),
        )
    except ObjectNotFound as error:
        raise BreathlineError(
            f"The Prefect server knows no workers of a pool {pool}.",
            where=f"deployment {FLOW}/{pool}",
            hint=f"`breathline deploy --pool {pool}`, then `prefect worker start --pool {pool}` on the other machine",
        ) from error
    with get_client(sync_client=True) as client:
        return _followed(client, asked.id, pool, groups, log)


def _followed(
    client: SyncPrefectClient, run_id: UUID, pool: str, groups: Groups, log: Callable[[str], None]
) -> State[Any]:
    asked_at = answered_at = time.monotonic()
    over_at: float | None = None
    lines, told = 0, False
    while True:
        if groups.ended:
            _cancel(client, run_id)
            raise StageFailedError("The run is ending; so does its stage on the worker.")
        try:
            # In this order: after the last state, no line is missing.
            state = client.read_flow_run(run_id).state
            lines = _relay(client, run_id, lines, log)
            answered_at = time.monotonic()
        except httpx.HTTPError as error:
            if time.monotonic() - answered_at > PATIENCE_S:
                raise StageFailedError(
                    f"The Prefect server no longer answers: {error}.",
                    where=PREFECT_API_URL.value(),
                    hint="the worker goes on; once the server is back, the next run takes what it has made",
                ) from error
            time.sleep(POLL_S * 10)
            continue
        if state is not None and state.is_final():
            over_at = over_at or time.monotonic()
            if state.name != LOST or time.monotonic() - over_at > LOST_S:
                return state
        else:
            over_at = None
        if not told and state is not None and state.is_scheduled() and time.monotonic() - asked_at > WAITING_S:
            log(f"Still waiting for a worker: `prefect worker start --pool {pool}` on the machine that is to run this.")
            told = True
        time.sleep(POLL_S)


def _relay(client: SyncPrefectClient, run_id: UUID, seen: int, log: Callable[[str], None]) -> int:
    """Hand on the lines that are new, and return how many of the run's there are by now."""
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
