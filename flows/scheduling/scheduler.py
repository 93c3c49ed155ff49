"""Runs the stages of several workspaces side by side, and what two of them share once."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from flows.graph import read
from flows.plan import Step, plan
from flows.processes.stage_process import Groups, StageFailedError
from flows.scheduling.gpu_slots import Slots, of_this_machine, wanted

if TYPE_CHECKING:
    from dvc.dependency import Dependency
    from dvc.stage import PipelineStage

LOG = "stages.log"
BUSY_S = 3.0  # until the next try where another DVC process holds what a stage needs


@dataclass(frozen=True)
class Unit:
    """One stage of one workspace.

    Attributes:
        workspace: Its folder.
        step: The stage, and the stages of the same workspace that have to end well before.
        same: What tells units apart; two with the same make the same outs of the same inputs, and DVC's run cache gives
            the second what the first has made.
    """

    workspace: Path
    step: Step
    same: str


@dataclass
class Outcome:
    """What became of a workspace: how many stages have run, of how many, and the first that failed."""

    total: int
    done: set[str] = field(default_factory=set)
    failure: StageFailedError | None = None


Told = Callable[[Path, str, Outcome], None]
# Starts a unit, whose processes belong to the groups; its future has an error where the stage failed.
Start = Callable[[Unit, Groups], Future[None]]


def units(workspace: Path) -> list[Unit]:
    """Return the stages of a workspace that are not up to date, in topological order."""
    steps = [step for step in plan(read(workspace)) if step.runs]
    same = identities(workspace) if steps else {}
    return [Unit(workspace, step, same[step.stage]) for step in steps]


def identities(workspace: Path) -> dict[str, str]:
    """Return for each stage a hash of its command, its inputs, its parameters' values and the stages before it.

    Equal hashes mean equal outs.
    """
    from dvc.dependency import ParamsDependency
    from dvc.repo import Repo

    found: dict[str, str] = {}
    with Repo(str(workspace)) as repo:
        graph = repo.index.graph
        made = [Path(out.fs_path) for stage in graph for out in stage.outs]
        before_each: dict[PipelineStage, list[PipelineStage]] = {stage: [*graph.successors(stage)] for stage in graph}
        for stage in TopologicalSorter(before_each).static_order():
            inputs = [
                dep.read_params() if isinstance(dep, ParamsDependency) else [dep.def_path, _hash(dep)]
                for dep in stage.deps
                if not _is_made(Path(dep.fs_path), made)
            ]
            before = sorted(found[other.name] for other in before_each[stage])
            text = json.dumps([stage.cmd, inputs, before], sort_keys=True)
            found[stage.name] = hashlib.sha256(text.encode()).hexdigest()
    return found


def run(waiting: Sequence[Unit], *, jobs: int, told: Told, start: Start | None = None) -> Mapping[Path, Outcome]:
    """Run units, at most ``jobs`` at once and never two that are the same; return what became of each workspace.

    A stage that fails ends its workspace; the others go on. No stage outlives this function.

    Args:
        waiting: The stages of all workspaces; of each in topological order.
        jobs: How many may run at once.
        told: Hears of each stage that starts or ends.
        start: Starts a unit; in a thread and with its log in the workspace, if not given.
    """
    left = list(waiting)
    outcomes = {unit.workspace: Outcome(sum(unit.workspace == one.workspace for one in left)) for unit in left}
    running: dict[Future[None], Unit] = {}
    groups, machine = Groups(), of_this_machine(None)
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while True:
                for unit in _ready(left, outcomes, [*running.values()])[: jobs - len(running)]:
                    if any(unit.same == other.same for other in running.values()):
                        continue
                    left.remove(unit)
                    told(unit.workspace, unit.step.stage, outcomes[unit.workspace])
                    running[start(unit, groups) if start else pool.submit(_run, unit, groups, machine)] = unit
                if not running:
                    return outcomes
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    _note(running.pop(future), future, outcomes, told)
        finally:
            groups.end()


def _ready(left: Sequence[Unit], outcomes: Mapping[Path, Outcome], running: Sequence[Unit]) -> list[Unit]:
    taken = {unit.same for unit in running}
    return [
        unit
        for unit in left
        if outcomes[unit.workspace].failure is None
        and outcomes[unit.workspace].done.issuperset(unit.step.after)
        and unit.same not in taken
    ]


def _run(unit: Unit, groups: Groups, machine: Slots) -> None:
    gpus = wanted(unit.step.stage, unit.workspace) if unit.step.gpu else 0
    with machine.taken(gpus) as env, (unit.workspace / LOG).open("a", encoding="utf-8", buffering=1) as log:
        while True:
            try:
                groups.run_stage(unit.step.stage, unit.workspace, env=env, log=lambda line: print(line, file=log))
            except StageFailedError as error:
                if error.passing != "busy":
                    raise
                time.sleep(BUSY_S)
            else:
                return


def _note(unit: Unit, future: Future[None], outcomes: Mapping[Path, Outcome], told: Told) -> None:
    outcome = outcomes[unit.workspace]
    error = future.exception()
    if error is None:
        outcome.done.add(unit.step.stage)
    elif isinstance(error, StageFailedError):
        outcome.failure = outcome.failure or error
    else:
        raise error
    told(unit.workspace, "", outcome)


def failures(outcomes: Mapping[Path, Outcome]) -> dict[Path, str]:
    """Return what went wrong in each workspace that failed."""
    return {folder: str(outcome.failure) for folder, outcome in outcomes.items() if outcome.failure is not None}


def _is_made(path: Path, made: Sequence[Path]) -> bool:
    return any(path.is_relative_to(out) or out.is_relative_to(path) for out in made)


def _hash(dep: Dependency) -> str | None:
    try:
        value: str | None = dep.get_hash().value
    except FileNotFoundError:
        return None
    return value
