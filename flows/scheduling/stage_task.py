"""Prefect tasks of a flow run, one for each stage, with retries for transient faults."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, TaskRun
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound
from prefect.futures import PrefectFuture
from prefect.settings import PREFECT_API_URL
from prefect.states import Failed
from prefect.tasks import Task

from flows.flow_errors import failed_by_errors
from flows.processes.process_groups import Log
from flows.processes.stage_errors import TRANSIENT_STATES, StageFailedError
from flows.publish.prefect_artifacts import publish_progress
from flows.scheduling.scheduler import Unit

GPU_LIMIT = "breathline-gpu"
# Number of further tries, by the name of the state that stands for a transient fault.
RETRIES = {TRANSIENT_STATES["busy"]: 20, TRANSIENT_STATES["network"]: 4}
DELAYS_S = [2.0, 4.0, 8.0, *[15.0] * 17]


def _is_transient(_task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    return run.run_count <= RETRIES.get(state.name or "", 0)


@task(
    name="stage",
    task_run_name="{name}",
    cache_policy=NO_CACHE,
    # Only for faults that pass by themselves: a lock of another process, a server that does not answer.
    # A fault of the stage itself (no memory, bad data, a failed validation) would occur again.
    retries=max(RETRIES.values()),
    retry_delay_seconds=DELAYS_S,
    retry_condition_fn=_is_transient,
)
@failed_by_errors
def run_stage(name: str, run: Callable[[Log], None]) -> State[Any] | None:
    """Run one stage and stream its output into the task's log; a stage that fails gives a failed state."""
    logger, progress = get_run_logger(), publish_progress(name)

    def log(line: str) -> None:
        logger.info(line)
        progress.feed(line)

    try:
        run(log)
        progress.end()
    except StageFailedError as failure:
        return Failed(message=f"The stage {name} failed.", name=failure.state_name)
    return None


class StageTasks:
    """Starts units as tasks of the current flow run.

    Args:
        run: Function that runs a unit and takes the function that gets its log lines.
        labels: Names of workspaces, to tell their tasks apart; without them, a task has the name of its stage.
    """

    def __init__(self, run: Callable[[Unit, Log], None], labels: Mapping[Path, str] | None = None) -> None:
        self._run = run
        self._labels = labels or {}
        self._submitted: dict[tuple[Path, str], PrefectFuture[Any]] = {}
        self._failures: dict[Unit, StageFailedError] = {}

    def start(self, unit: Unit) -> Future[None]:
        """Submit the task of a unit, and return a future that holds a StageFailedError if the stage fails."""
        label = self._labels.get(unit.workspace)
        name = f"{label}: {unit.step.stage}" if label else unit.step.stage
        submitted = run_stage.submit(
            name=name,
            run=partial(self._run_unit, unit),
            return_state=False,
            wait_for=[self._submitted[unit.workspace, stage] for stage in unit.step.upstream],
        )
        self._submitted[unit.workspace, unit.step.stage] = submitted
        result: Future[None] = Future()
        submitted.add_done_callback(partial(self._settle, unit, name, result))
        return result

    def _run_unit(self, unit: Unit, log: Log) -> None:
        try:
            self._run(unit, log)
        except StageFailedError as failure:
            self._failures[unit] = failure
            raise

    def _settle(self, unit: Unit, name: str, result: Future[None], submitted: PrefectFuture[Any]) -> None:
        submitted.wait()
        state = submitted.state
        if state.is_completed():
            result.set_result(None)
        else:
            unknown = StageFailedError(f"{name}: {state.message or state.name}")
            result.set_exception(self._failures.get(unit, unknown))


@contextmanager
def gpu_limit(gpus: int) -> Iterator[None]:
    """Hold a number of GPUs at the limit of the Prefect server, if it has one (`breathline deploy --gpus`)."""
    limit: int | None = None
    if PREFECT_API_URL.value():
        with get_client(sync_client=True) as client, suppress(ObjectNotFound):
            limit = client.read_global_concurrency_limit_by_name(GPU_LIMIT).limit
    if not limit:
        yield
        return
    # More than the limit would be refused, or never granted.
    with concurrency([GPU_LIMIT], occupy=min(gpus, limit)):
        yield
