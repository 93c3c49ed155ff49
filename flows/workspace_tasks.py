"""Stages of several workspaces as tasks of one flow run.

A flow run of its own for each workspace would cost a second or more, and could not wait for what another one trains
already; a task costs some milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from prefect import get_run_logger
from prefect.futures import PrefectFuture

from flows import workspaces
from flows.processes.stage_process import Groups, StageFailedError
from flows.scheduling import gpu_slots, scheduler
from flows.scheduling.scheduler import Outcome, Unit
from flows.scheduling.stage_task import Here, run_stage


def bring_up(names: Mapping[Path, str], *, jobs: int, gpus: int | None) -> dict[Path, str]:
    """Run all that is not up to date in some workspaces, one task a stage, and return what went wrong in which.

    Args:
        names: What each workspace is called, by its folder.
        jobs: How many stages may run at once, over all of them.
        gpus: How many of them may use a GPU; one for each GPU, if not given.
    """
    log = get_run_logger()
    workspaces.absolute_weights()
    waiting = [unit for folder in names for unit in scheduler.units(folder)]
    log.info(f"{len(waiting)} stages in {len({unit.workspace for unit in waiting})} of {len(names)} workspaces")

    def told(folder: Path, stage: str, outcome: Outcome) -> None:
        if not stage:
            log.info(f"{names[folder]}: {len(outcome.done)} of {outcome.total} stages done")

    start = partial(_start, names, gpu_slots.of_this_machine(gpus))
    failed = scheduler.failures(scheduler.run(waiting, jobs=jobs, told=told, start=start))
    for folder, what in failed.items():
        log.error(f"{names[folder]}: {what}")
    return failed


def _start(names: Mapping[Path, str], machine: gpu_slots.Slots, unit: Unit, groups: Groups) -> Future[None]:
    here = Here(root=unit.workspace, groups=groups, slots=machine)
    name = f"{names[unit.workspace]}: {unit.step.stage}"
    done: Future[None] = Future()
    submitted = run_stage.submit(name=name, step=unit.step, here=here, return_state=False)
    submitted.add_done_callback(partial(_settle, name, here, done))
    return done


def _settle(name: str, here: Here, done: Future[None], submitted: PrefectFuture[Any]) -> None:
    submitted.wait()
    state = submitted.state
    if state.is_completed():
        done.set_result(None)
    else:
        done.set_exception(here.failures.get(name) or StageFailedError(f"{name}: {state.message or state.name}"))
