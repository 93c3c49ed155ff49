"""The flow `pipeline`: one Prefect task per stage that is not up to date, independent ones side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.tasks import Task

from flows import graph
from flows.execute import Groups, StageFailedError
from flows.plan import Step, plan

BUSY = "DVC is busy"


def _is_busy(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    return state.name == BUSY


@task(
    name="stage",
    task_run_name="{name}",
    cache_policy=NO_CACHE,
    # Only for DVC's locks, which another process holds for a moment. What a stage itself fails at is never retried.
    retries=20,
    retry_delay_seconds=3,
    retry_condition_fn=_is_busy,
)
def run_stage(name: str, root: Path, force: bool, groups: Groups) -> State[Any] | None:
    """Run one stage and stream its output into the task's log; a stage that fails gives a failed state."""
    try:
        groups.run_stage(name, root, force=force, log=get_run_logger().info)
    except StageFailedError as error:
        return Failed(message=f"The stage {name} failed.", name=BUSY if error.busy else "Failed")
    return None


@flow(
    name="pipeline",
    flow_run_name="pipeline",
    validate_parameters=False,
    task_runner=cast("Any", ThreadPoolTaskRunner()),
)
def pipeline(
    root: Path, targets: Sequence[str] = (), force: Sequence[str] = (), jobs: int = 2
) -> State[Any] | dict[str, str]:
    """Run what is not up to date, at most ``jobs`` stages at once, and return what became of each stage.

    The values are `up to date`, `ran`, `failed` and `not run` (something upstream failed). A stage that fails makes the
    flow fail once those that do not depend on it have run.
    """
    steps = plan(graph.read(root), targets=targets, force=force)
    groups = Groups()
    try:
        states = _run(steps, root, jobs, groups)
    finally:
        # Reached by Ctrl-C, by SIGTERM (Prefect raises it here) and by any error: no stage outlives its flow.
        groups.end()
    outcome = {step.stage: _outcome(step, states) for step in steps}
    failed = [name for name, word in outcome.items() if word == "failed"]
    if not failed:
        return outcome
    for name in failed:
        get_run_logger().error(str(groups.failures.get(name, states[name].message)))
    skipped = [name for name, word in outcome.items() if word == "not run"]
    return Failed(
        message=f"Failed: {', '.join(failed)}." + (f" Not run for it: {', '.join(skipped)}." if skipped else "")
    )


def _run(steps: Sequence[Step], root: Path, jobs: int, groups: Groups) -> dict[str, State[Any]]:
    """Submit each step once all before it have ended well; return the states of those submitted."""
    waiting = [step for step in steps if step.runs]
    futures: dict[str, PrefectFuture[Any]] = {}
    states: dict[str, State[Any]] = {}
    ended: SimpleQueue[str] = SimpleQueue()
    while True:
        good = {name for name, state in states.items() if state.is_completed()}
        ready = [step for step in waiting if good.issuperset(step.after)]
        for step in ready[: jobs - (len(futures) - len(states))]:
            waiting.remove(step)
            future = run_stage.submit(
                name=step.stage,
                root=root,
                force=step.force,
                groups=groups,
                return_state=False,
                wait_for=[futures[name] for name in step.after],
            )
            futures[step.stage] = future
            future.add_done_callback(partial(_note, ended, step.stage))
        if len(futures) == len(states):
            return states
        name = ended.get()
        futures[name].wait()
        states[name] = futures[name].state


def _note(ended: SimpleQueue[str], name: str, _future: PrefectFuture[Any]) -> None:
    ended.put(name)


def _outcome(step: Step, states: dict[str, State[Any]]) -> str:
    if not step.runs:
        return "up to date"
    if step.stage not in states:
        return "not run"
    return "ran" if states[step.stage].is_completed() else "failed"
