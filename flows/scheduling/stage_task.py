"""The Prefect task that runs one stage, here or on another worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, TaskRun
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL
from prefect.states import Failed
from prefect.tasks import Task

from flows.plan import Step
from flows.processes.stage_process import Groups, StageFailedError
from flows.publish.artifacts import publish_progress
from flows.scheduling import gpu_slots
from flows.scheduling.gpu_slots import Slots

GPU_LIMIT = "breathline-gpu"
# How often a stage is tried again for what may pass, by the name of the state that tells it.
TRIES = {"DVC is busy": 20, "The network failed": 4}
PASSING = dict(zip(("busy", "network"), TRIES, strict=True))
DELAYS_S = [2.0, 4.0, 8.0, *[15.0] * 17]


@dataclass(frozen=True)
class Here:
    """What the stages of one run share.

    Attributes:
        root: The project.
        groups: The processes of the run.
        slots: The GPU slots of this machine.
        env: What every stage finds in its environment.
        pools: The work pool of the worker that runs a stage, for those that do not run here.
        failures: The last failure of each stage.
    """

    root: Path
    groups: Groups
    slots: Slots
    env: Mapping[str, str] = field(default_factory=dict)
    pools: Mapping[str, str] = field(default_factory=dict)
    failures: dict[str, StageFailedError] = field(default_factory=dict)


def _passes(_task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    return run.run_count <= TRIES.get(state.name or "", 0)


@task(
    name="stage",
    task_run_name="{name}",
    cache_policy=NO_CACHE,
    # Only for what passes by itself: a lock that another process holds for a moment, a server that does not answer.
    # What a stage itself fails at (no memory, bad data, a failed validation) would fail again.
    retries=max(TRIES.values()),
    retry_delay_seconds=DELAYS_S,
    retry_condition_fn=_passes,
)
def run_stage(name: str, step: Step, here: Here) -> State[Any] | None:
    """Run one stage and stream its output into the task's log; a stage that fails gives a failed state."""
    logger, progress = get_run_logger(), publish_progress(name)

    def log(line: str) -> None:
        logger.info(line)
        progress.feed(line)

    try:
        if name in here.pools:
            _on_worker(step, here, log)
        else:
            run_here(step, here, log)
        progress.end()
    except StageFailedError as error:
        here.failures[name] = error
        return Failed(message=f"The stage {name} failed.", name=PASSING.get(error.passing or "", "Failed"))
    return None


def run_here(step: Step, here: Here, log: Callable[[str], None], *, pull: bool = False) -> None:
    """Run one stage on this machine.

    Args:
        step: The stage.
        here: What it shares with others.
        log: Takes a line of its output.
        pull: Whether outs that the DVC remote has for equal inputs are taken from there.

    Raises:
        StageFailedError: The stage failed.
    """
    with _gpu(step, here) as gpu:
        options = [*(["--force"] if step.force else []), *(["--pull"] if pull else [])]
        here.groups.run_stage(step.stage, here.root, options=options, env={**here.env, **gpu}, log=log)


@contextmanager
def _gpu(step: Step, here: Here) -> Iterator[dict[str, str]]:
    """Hold what a stage needs of this machine's GPUs, and of the server's limit where one is set there.

    On a machine without a GPU nothing is held: its stages do not keep those of others waiting.
    """
    if not step.gpu or here.slots.count is None:
        yield {}
        return
    wanted = gpu_slots.wanted(step.stage, here.root)
    limit = _limit()
    # More than there ever are would be refused, or waited for in vain.
    occupied = concurrency([GPU_LIMIT], occupy=min(wanted, limit)) if limit else nullcontext()
    with here.slots.taken(wanted) as env, occupied:
        yield env


def _limit() -> int | None:
    """Return how many GPUs all machines may use at once, where the server limits it (`breathline deploy --gpus`)."""
    if not PREFECT_API_URL.value():
        return None
    with get_client(sync_client=True) as client:
        try:
            return client.read_global_concurrency_limit_by_name(GPU_LIMIT).limit
        except ObjectNotFound:
            return None


def _on_worker(step: Step, here: Here, log: Callable[[str], None]) -> None:
    from flows.remote.dispatch import run_on_worker

    pool = here.pools[step.stage]
    run_on_worker(step.stage, here.root, pool, force=step.force, groups=here.groups, env=here.env, log=log)
