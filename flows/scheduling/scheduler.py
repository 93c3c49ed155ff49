"""Scheduler for the stages of one or more workspaces: dependencies, a job limit, equal work once."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flows.plan import Step
from flows.processes.stage_errors import StageFailedError


@dataclass(frozen=True)
class Unit:
    """One stage of one workspace.

    Attributes:
        workspace: Folder of the workspace, or of the project itself.
        step: The stage, and the upstream stages in the same workspace.
        work: Identity of the work. Two units with the same identity make equal outs from equal inputs, so DVC's run
            cache gives the second unit the outs of the first.
        pool: Work pool of the worker that runs the stage; None on this machine.
    """

    workspace: Path
    step: Step
    work: str
    pool: str | None = None


@dataclass(frozen=True)
class Event:
    """Start or end of a unit, with the number of completed units in its workspace and the number of all."""

    unit: Unit
    state: Literal["started", "completed", "failed"]
    done: int
    total: int


Results = Mapping[Unit, StageFailedError | None]
# Starts a unit; its future holds a StageFailedError if the stage fails.
Start = Callable[[Unit], Future[None]]


def run(
    units: Sequence[Unit], *, jobs: int, start: Start, notify: Callable[[Event], object] = lambda _: None
) -> Results:
    """Run units in parallel, each after its upstream stages have succeeded; return the failure of each, or None.

    After a failure, units that do not depend on the failed stage still run. The others are absent from the result.

    Args:
        units: Stages to run, those of a workspace in topological order.
        jobs: Maximum number of units at once on this machine; units of other workers do not count.
        start: Function that starts a unit.
        notify: Function that takes each start and end of a unit.
    """
    waiting = list(units)
    running: dict[Future[None], Unit] = {}
    results: dict[Unit, StageFailedError | None] = {}

    def report(unit: Unit, state: Literal["started", "completed", "failed"]) -> None:
        ours = [other for other in units if other.workspace == unit.workspace]
        notify(Event(unit, state, sum(other in results and results[other] is None for other in ours), len(ours)))

    while True:
        for unit in list(waiting):
            if _can_start(unit, results, [*running.values()], jobs):
                waiting.remove(unit)
                report(unit, "started")
                running[start(unit)] = unit
        if not running:
            return results
        ended, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in ended:
            unit = running.pop(future)
            error = future.exception()
            if error is not None and not isinstance(error, StageFailedError):
                raise error
            results[unit] = error
            report(unit, "failed" if error else "completed")


def first_failures(results: Results) -> dict[Path, StageFailedError]:
    """Return the first failure of each workspace in which a stage failed."""
    failures: dict[Path, StageFailedError] = {}
    for unit, failure in results.items():
        if failure is not None:
            failures.setdefault(unit.workspace, failure)
    return failures


def _can_start(unit: Unit, results: Results, running: Sequence[Unit], jobs: int) -> bool:
    completed = {
        other.step.stage for other, failure in results.items() if other.workspace == unit.workspace and not failure
    }
    return (
        completed.issuperset(unit.step.upstream)
        and all(unit.work != other.work for other in running)
        and (unit.pool is not None or sum(other.pool is None for other in running) < jobs)
    )
