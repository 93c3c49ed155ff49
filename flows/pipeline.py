"""Flow `pipeline`: one Prefect task for each stage that is not up to date, independent stages side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, cast

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from flows import graph
from flows.flow_errors import failed_by_errors
from flows.parameters import Gpus, Jobs
from flows.plan import check_split, expand, plan
from flows.processes import files_in_use
from flows.processes.process_groups import Log
from flows.processes.run_lock import exclusive_run
from flows.processes.stage_process import StageProcesses
from flows.publish import prefect_artifacts, scores
from flows.recipes import writing
from flows.remote.dispatch import run_on_worker
from flows.scheduling import scheduler
from flows.scheduling.gpu_slots import local_slots
from flows.scheduling.local_stages import LocalStages
from flows.scheduling.scheduler import Results, Unit
from flows.scheduling.stage_task import StageTasks, gpu_limit
from tasks.parameters import checked
from tasks.runtime.error_output import DEBUG, debugging

NOT_RUN = " Not run: "
TASK_RUNNER = "BREATHLINE_TASK_RUNNER"  # read by tasks.runtime.parallel
FLOW_RUN = "BREATHLINE_FLOW_RUN"  # read by lineage.machine


def _name() -> str:
    """Return the name of the flow run in lists: the recipe and the targets."""
    parameters = flow_run.parameters
    recipe = parameters.get("recipe") or "params.yaml"
    return f"{recipe}: {', '.join(parameters.get('targets') or ['all stages'])}"


@flow(name="pipeline", flow_run_name=_name, task_runner=cast("Any", ThreadPoolTaskRunner()))
@failed_by_errors
def pipeline(
    *,
    targets: list[str] = [],  # noqa: B006 - Prefect reads the default and changes nothing
    recipe: str | None = None,
    force: list[str] = [],  # noqa: B006
    jobs: Jobs = 2,
    gpus: Gpus = None,
    workers: dict[str, str] = {},  # noqa: B006
    task_runner: Annotated[str, Field(pattern=r"^(threads|processes|dask(:.+)?)$")] = "threads",
    project: Path = Path(),
) -> State[Any] | dict[str, str]:
    """Run every stage that is not up to date, independent stages side by side.

    If a stage fails, the stages that do not depend on it still run; then the flow fails. A second run of the same
    project is refused while the first one is in progress.

    Args:
        targets: Last stages to run, by name or by group such as `train_teacher`; all stages, if empty.
        recipe: Name of a recipe that is written into params.yaml first.
        force: Stages, or groups of stages, that run in any case.
        jobs: Maximum number of stages at once on this machine, 1 to 256.
        gpus: Maximum number of stages at once that use a GPU; one for each GPU, if not given.
        workers: Work pool of each stage that runs on another worker: `{"train_teacher": "gpu"}`.
        task_runner: Parallelism inside `extract` and `fbank`: threads, processes, dask, or dask:<scheduler's address>.
        project: Folder of the project.

    Returns:
        Outcome of each stage: `ran` or `up to date`.

    Raises:
        BreathlineError: Another run is in progress in the project, a stage or recipe is unknown, or DVC cannot read the
            graph, or a key of params.yaml is wrong.
    """
    root = project.resolve()
    with exclusive_run(root), StageProcesses() as processes:
        processes.prestart()  # the first DVC process imports while the graph is read
        if recipe is not None:
            writing.write(root, writing.edit(root, recipe))
        checked.check_project(root)
        stages = graph.read(root)
        pools = {stage: pool for name, pool in workers.items() for stage in expand(stages, [name])}
        steps = plan(stages, targets=targets, force=force)
        check_split(root, steps)
        units = [Unit(root, step, step.stage, pools.get(step.stage)) for step in steps if step.runs]
        if all(unit.pool for unit in units):
            processes.stop_prestarting()
        scores_before = scores.read(root)
        prefect_artifacts.publish_plan(steps)
        if not files_in_use.is_supported():
            get_run_logger().warning(files_in_use.UNSUPPORTED)
        for step in steps:
            get_run_logger().info(f"{step.stage}: {', '.join(step.reasons) if step.runs else 'up to date'}")
        results = _run(units, jobs, gpus, processes, task_runner)
        outcome = dict.fromkeys((step.stage for step in steps), "up to date")
        for unit in units:
            outcome[unit.step.stage] = "not run" if unit not in results else "failed" if results[unit] else "ran"
        prefect_artifacts.publish_results(root, stages, outcome, scores_before)
    return _verdict(outcome, results)


def _run(units: Sequence[Unit], jobs: int, gpus: int | None, processes: StageProcesses, task_runner: str) -> Results:
    """Run the units, on this machine or on the workers of their pools."""
    with get_client(sync_client=True) as client:
        # Also the server that Prefect starts for this run alone: a stage over Dask (flows.dask_map) uses it.
        server = str(client.api_url).rstrip("/")
    env = {TASK_RUNNER: task_runner, FLOW_RUN: str(flow_run.id), "PREFECT_API_URL": server}
    if debugging():
        env[DEBUG] = "1"  # also for the stages on workers
    local = LocalStages(processes, local_slots(gpus), env, gpu_limit)

    def run(unit: Unit, log: Log) -> None:
        if unit.pool:
            run_on_worker(unit, processes, env, log)
        else:
            local.run(unit, log)

    return scheduler.run(units, jobs=jobs, start=StageTasks(run).start)


def _verdict(outcome: Mapping[str, str], results: Results) -> State[Any] | dict[str, str]:
    """Return the outcome of the stages, or a failed state that names the stages that failed and those not run."""
    failures = {unit.step.stage: failure for unit, failure in results.items() if failure is not None}
    if not failures:
        return dict(outcome)
    for failure in failures.values():
        get_run_logger().error(str(failure))
    failed = ", ".join(stage for stage in outcome if stage in failures)
    not_run = ", ".join(stage for stage, word in outcome.items() if word == "not run")
    return Failed(message=f"Failed: {failed}." + (f"{NOT_RUN}{not_run}." if not_run else ""))
