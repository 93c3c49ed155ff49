"""Stages on this machine: their environment, their GPUs, and a log file where no flow logs for them."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from flows.processes.process_groups import Log
from flows.processes.stage_errors import StageFailedError
from flows.processes.stage_process import StageProcesses
from flows.scheduling.gpu_slots import GpuSlots, slots_needed
from flows.scheduling.scheduler import Unit

LOG = "stages.log"
BUSY_S = 3.0  # seconds until the next try while another DVC process holds a lock


@dataclass(frozen=True)
class LocalStages:
    """Runs stages on this machine.

    Attributes:
        processes: Processes of the run.
        slots: GPU slots of this machine.
        env: Variables that are added to the environment of every stage.
        limit_gpus: Context that holds a number of GPUs at a limit which several machines share.
    """

    processes: StageProcesses
    slots: GpuSlots
    env: Mapping[str, str] = field(default_factory=dict)
    limit_gpus: Callable[[int], AbstractContextManager[object]] = nullcontext

    def run(self, unit: Unit, log: Log, *, pull: bool = False) -> None:
        """Run one stage; with `pull`, outs that the DVC remote holds for equal inputs are taken from there."""
        # Without a GPU nothing is held: the stages of this machine do not keep others waiting.
        gpus = slots_needed(unit.step.stage, unit.workspace) if unit.step.gpu and self.slots.count else 0
        options = [*(["--force"] if unit.step.force else []), *(["--pull"] if pull else [])]
        with self.slots.acquire(gpus) as gpu_env, self.limit_gpus(gpus) if gpus else nullcontext():
            env = {**self.env, **gpu_env}
            self.processes.run_stage(unit.step.stage, unit.workspace, options=options, env=env, log=log)

    def run_logged(self, unit: Unit) -> None:
        """Run one stage with its log in a file of the workspace; wait while another DVC process holds a lock."""
        with (unit.workspace / LOG).open("a", encoding="utf-8", buffering=1) as file:
            while True:
                try:
                    self.run(unit, lambda line: print(line, file=file))
                except StageFailedError as failure:
                    if failure.transient != "busy":
                        raise
                    time.sleep(BUSY_S)
                else:
                    return
