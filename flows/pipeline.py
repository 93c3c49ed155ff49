"""The flow `pipeline`: one Prefect task per stage that is not up to date, independent ones side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated, Any, cast

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from flows import graph
from flows.plan import Step, expand, plan
from flows.processes.stage_process import Groups, only_run
from flows.publish import artifacts, scores
from flows.recipes import writing
from flows.scheduling import gpu_slots
from flows.scheduling.stage_task import Here, run_stage

NOT_RUN = " Not run for it: "
TASK_RUNNER = "BREATHLINE_TASK_RUNNER"  # read by tasks.runtime.parallel
FLOW_RUN = "BREATHLINE_FLOW_RUN"  # read by lineage.machine


def _name() -> str:
    """Return what the run is called in lists: what was asked for, and nothing that stands beside it anyway."""
    asked = flow_run.parameters
    what = asked.get("recipe") or "params.yaml"
    return f"{what}: {', '.join(asked.get('targets') or ['all stages'])}"


@flow(
    name="pipeline",
    flow_run_name=_name,
    task_runner=cast("Any", ThreadPoolTaskRunner()),
)
def pipeline(
    *,
    targets: list[str] = [],  # noqa: B006 - Prefect reads the default and changes nothing
    recipe: str | None = None,
    force: list[str] = [],  # noqa: B006
    jobs: Annotated[int, Field(ge=1, le=256)] = 2,
    gpus: Annotated[int | None, Field(ge=1, le=64)] = None,
    workers: dict[str, str] = {},  # noqa: B006
    task_runner: Annotated[str, Field(pattern=r"^(threads|processes|dask(:.+)?)$")] = "threads",
    project: Path = Path(),
) -> State[Any] | dict[str, str]:
    """Run every stage that is not up to date, independent ones side by side.

    A stage that fails makes the flow fail, once those that do not depend on it have run. A second run of the same
    project is refused while the first lives.

    Args:
        targets: Only these stages, or groups such as `train_teacher`, and what they depend on; all, if empty.
        recipe: A recipe's name; it is written into params.yaml first.
        force: Stages, or groups of them, that run in any case.
        jobs: How many stages run at once on this machine.
        gpus: How many of them may use a GPU; one for each GPU, if not given.
        workers: For stages that run on another worker, the work pool: `{"train_teacher": "gpu"}`.
        task_runner: What `extract` and `fbank` map over: threads, processes, dask, or dask:<scheduler's address>.
        project: The project's folder.

    Returns:
        What became of each stage: `ran` or `up to date`.

    Raises:
        BreathlineError: Another run is at work here, there is no such stage or recipe, or DVC cannot read the graph.
    """
    root = project.resolve()
    with only_run(root), _groups() as groups:
        if recipe is not None:
            writing.write(root, writing.edit(root, recipe))
        stages = graph.read(root)
        pools = {stage: pool for name, pool in workers.items() for stage in expand(stages, [name])}
        steps = plan(stages, targets=targets, force=force)
        if not any(step.runs and step.stage not in pools for step in steps):
            groups.dismiss()
        here = _here(root, groups, gpus, pools, task_runner)
        scores_before = scores.read(root)
        artifacts.publish_plan(steps)
        for step in steps:
            get_run_logger().info(f"{step.stage}: {', '.join(step.reasons) if step.runs else 'up to date'}")
        states = _run(steps, jobs, here)
        outcome = {step.stage: _outcome(step, states) for step in steps}
        artifacts.publish_results(root, stages, outcome, scores_before)
    return _verdict(outcome, here, states)


@contextmanager
def _groups() -> Iterator[Groups]:
    """Yield the run's process groups; the first stage's DVC starts while the graph is read."""
    groups = Groups()
    groups.prepare()
    try:
        yield groups
    finally:
        # Reached by Ctrl-C, by SIGTERM (Prefect raises it here) and by any error: no stage outlives its flow.
        groups.end()


def _here(root: Path, groups: Groups, gpus: int | None, pools: Mapping[str, str], task_runner: str) -> Here:
    """Return what the run's stages share."""
    with get_client(sync_client=True) as client:
        # Also of a server that lives as long as this run: a stage over Dask (flows.wide) starts none.
        url = str(client.api_url).rstrip("/")
    return Here(
        root=root,
        groups=groups,
        slots=gpu_slots.of_this_machine(gpus),
        env={TASK_RUNNER: task_runner, FLOW_RUN: str(flow_run.id), "PREFECT_API_URL": url},
        pools=pools,
    )


def _run(steps: Sequence[Step], jobs: int, here: Here) -> dict[str, State[Any]]:
    """Submit each step once all before it have ended well; return the states of those submitted.

    Stages that run on other workers take none of the ``jobs``: this machine has nothing to do for them.
    """
    waiting = [step for step in steps if step.runs]
    futures: dict[str, PrefectFuture[Any]] = {}
    states: dict[str, State[Any]] = {}
    ended: SimpleQueue[str] = SimpleQueue()
    while True:
        good = {name for name, state in states.items() if state.is_completed()}
        for step in [step for step in waiting if good.issuperset(step.after)]:
            local = [name for name in futures if name not in states and name not in here.pools]
            if step.stage not in here.pools and len(local) >= jobs:
                continue
            waiting.remove(step)
            future = run_stage.submit(
                name=step.stage,
                step=step,
                here=here,
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


def _verdict(outcome: Mapping[str, str], here: Here, states: Mapping[str, State[Any]]) -> State[Any] | dict[str, str]:
    """Return what became of the stages, or the state of a flow of which some failed."""
    failed = [name for name, word in outcome.items() if word == "failed"]
    if not failed:
        return dict(outcome)
    for name in failed:
        get_run_logger().error(str(here.failures.get(name, states[name].message)))
    skipped = [name for name, word in outcome.items() if word == "not run"]
    return Failed(message=f"Failed: {', '.join(failed)}." + (f"{NOT_RUN}{', '.join(skipped)}." if skipped else ""))
