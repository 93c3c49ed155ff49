"""The flow by which a worker runs one stage of a commit, in a clean clone of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, cast

import httpx
from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.logging.handlers import APILogHandler
from prefect.logging.loggers import PrefectLogAdapter
from prefect.runtime import flow_run
from prefect.states import Cancelled, Failed
from pydantic import Field

from flows.plan import Step
from flows.processes.stage_process import Groups, StageFailedError
from flows.remote import clones, run_monitor, stage_outputs
from flows.remote.stage_files import Parts, held, read
from flows.remote.transfer_commands import Transfers
from flows.scheduling import gpu_slots
from flows.scheduling.stage_task import PASSING, Here, run_here
from tasks.runtime.errors import BreathlineError

WATCH_S = 10.0


@flow(name=run_monitor.FLOW, flow_run_name="{stage}", persist_result=False)
def stage_on_worker(
    *,
    stage: str,
    commit: Annotated[str, Field(pattern="^[0-9a-f]{40,64}$")],
    ref: str,
    repository: str,
    remote: str,
    force: bool = False,
    env: dict[str, str] = {},  # noqa: B006 - Prefect reads the default and changes nothing
) -> State[Any] | None:
    """Run one stage of a commit in a clean clone; its outs and the run-cache go to the DVC remote.

    `breathline run --on STAGE=POOL` asks for such runs; it sends the commit and takes the outs.

    Args:
        stage: Its name, as DVC knows it.
        commit: The full id of the commit to run it in.
        ref: A Git ref: `asked` below it points at the commit, `made` takes the outcome.
        repository: The address of the Git repository.
        remote: The DVC remote by which data comes and goes.
        force: Whether it runs even where nothing has changed.
        env: For the stage's environment.
    """
    logger = cast("PrefectLogAdapter", get_run_logger()).getChild(run_monitor.LOGGER)
    groups = Groups()
    try:
        with _watched(groups) as over, clones.taken(repository) as folder:
            clone = Transfers(folder, groups, logger.info)
            logger.info(f"In the clone {folder}")
            try:
                parts = _prepared(clone, stage, commit, repository=repository, ref=ref, remote=remote)
                _run(clone, stage, parts, force, env)
                stage_outputs.send(clone, stage, parts, repository=repository, ref=f"{ref}/made", remote=remote)
            except BreathlineError as error:
                if over.is_set():
                    return Cancelled(message="The run that has asked for this is over.")
                return _failed(error)
    finally:
        # Reached by a cancellation, too, which Prefect raises here: no stage outlives its flow.
        groups.end()
        APILogHandler().flush()
    return None


def _prepared(clone: Transfers, stage: str, commit: str, *, repository: str, ref: str, remote: str) -> Parts:
    """Bring a clone to the commit, with the data that the stage reads and nothing else; return the stage's parts."""
    clones.check_out(clone, repository=repository, ref=f"{ref}/asked", commit=commit)
    with held(clone.root, clone.groups) as repo:
        parts = read(repo, stage)
    clones.clean(clone.root, keep=parts.dvc_deps)
    if parts.dvc_deps:
        clone.dvc("pull", "--force", "--remote", remote, *parts.dvc_deps)
    return parts


def _run(clone: Transfers, stage: str, parts: Parts, force: bool, env: dict[str, str]) -> None:
    here = Here(clone.root, clone.groups, gpu_slots.of_this_machine(None), env=env)
    # What another worker has computed from equal inputs is pulled by the run-cache.
    run_here(Step(stage, True, (), (), force, parts.gpu), here, clone.log, pull=not force)


def _failed(error: BreathlineError) -> State[Any]:
    passing = error.passing if isinstance(error, StageFailedError) else None
    return Failed(message=str(error), name=PASSING.get(passing or "", "Failed"))


@contextmanager
def _watched(groups: Groups) -> Iterator[threading.Event]:
    """End the groups once the run that has asked for this one no longer runs; the event tells of it.

    A caller that is cancelled cancels this run by itself. One that was killed cannot; but the server learns of it
    (automations.yaml: a run that gives no sign of life).
    """
    caller = flow_run.parent_flow_run_id
    left, over = threading.Event(), threading.Event()

    def watch() -> None:
        while not left.wait(WATCH_S):
            try:
                with get_client(sync_client=True) as client:
                    state = client.read_flow_run(caller).state
            except httpx.HTTPError:
                continue  # the server may be back in a moment
            if state is None or not state.is_running():
                over.set()
                groups.end()
                return

    if caller is not None:
        threading.Thread(target=watch, daemon=True, name="watch").start()
    try:
        yield over
    finally:
        left.set()
