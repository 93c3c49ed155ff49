"""Stages of several workspaces as tasks of one flow run.

A flow run for each workspace would cost a second or more, and could not wait for equal work in another workspace. A
task costs some milliseconds.
"""

from collections.abc import Mapping
from pathlib import Path

from prefect import get_run_logger

from flows import workspaces
from flows.processes.stage_process import StageProcesses
from flows.scheduling import scheduler
from flows.scheduling.gpu_slots import local_slots
from flows.scheduling.local_stages import LocalStages
from flows.scheduling.stage_task import StageTasks, gpu_limit
from flows.scheduling.work_units import outdated_units


def run_workspaces(labels: Mapping[Path, str], *, jobs: int, gpus: int | None) -> set[Path]:
    """Run every stage of some workspaces that is not up to date, and return the workspaces in which a stage failed.

    `labels` names each workspace, by its folder; `gpus` is one for each GPU, if None.
    """
    logger = get_run_logger()
    workspaces.absolute_weights()
    units = [unit for folder in labels for unit in outdated_units(folder)]
    logger.info(f"{len(units)} stages in {len({unit.workspace for unit in units})} of {len(labels)} workspaces")

    def log(event: scheduler.Event) -> None:
        if event.state != "started":
            logger.info(f"{labels[event.unit.workspace]}: {event.done} of {event.total} stages done")

    with StageProcesses() as processes:
        stages = LocalStages(processes, local_slots(gpus), limit_gpus=gpu_limit)
        results = scheduler.run(units, jobs=jobs, start=StageTasks(stages.run, labels).start, notify=log)
    failures = scheduler.first_failures(results)
    for folder, failure in failures.items():
        logger.error(f"{labels[folder]}: {failure}")
    return set(failures)
