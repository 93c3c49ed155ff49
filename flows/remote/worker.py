"""Flow by which a worker runs one stage of a commit, in a clean clone of its own."""

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

from flows.flow_errors import failed_by_errors
from flows.plan import Step
from flows.processes.process_groups import ProcessGroups
from flows.processes.stage_errors import StageFailedError
from flows.processes.stage_process import StageProcesses
from flows.remote import clones, run_monitor, stage_outputs
from flows.remote.stage_files import StageFiles, locked_repo, read
from flows.remote.transfer_commands import TransferCommands
from flows.scheduling.gpu_slots import local_slots
from flows.scheduling.local_stages import LocalStages
from flows.scheduling.scheduler import Unit
from flows.scheduling.stage_task import gpu_limit
from tasks.runtime.errors import BreathlineError

CALLER_POLL_S = 10.0


@flow(name=run_monitor.FLOW, flow_run_name="{stage}", persist_result=False)
@failed_by_errors
def stage_on_worker(
    *,
    stage: str,
    commit: Annotated[str, Field(pattern="^[0-9a-f]{40,64}$")],
    ref: str,
    repository: str,
    remote: str,
    folder: str = "",
    force: bool = False,
    env: dict[str, str] = {},  # noqa: B006 - Prefect reads the default and changes nothing
) -> State[Any] | None:
    """Run one stage of a commit in a clean clone; its outs and the run-cache go to the DVC remote.

    `breathline run --on STAGE=POOL` starts such runs; it sends the commit and fetches the outs.

    Args:
        stage: Name of the stage, as DVC knows it.
        commit: Full id of the commit.
        ref: Prefix of two Git refs: `asked` points at the commit, `made` receives the outs.
        repository: Address of the Git repository.
        remote: Name of the DVC remote that carries the data.
        folder: Path of the project below the top of the repository; empty at the top.
        force: Whether the stage runs without any change, too.
        env: Variables that are added to the stage's environment.
    """
    logger = cast("PrefectLogAdapter", get_run_logger()).getChild(run_monitor.LOGGER)
    try:
        with (
            StageProcesses() as processes,
            _caller_watch(processes) as caller_ended,
            clones.exclusive_clone(repository) as clone,
        ):
            commands = TransferCommands(clone, processes, logger.info)
            logger.info(f"In the clone {clone}")
            try:
                inputs = f"{ref}/inputs"
                commands = clones.check_out(commands, repository=repository, folder=folder, ref=inputs, commit=commit)
                files = _pull_inputs(commands, stage, remote)
                # The run-cache brings outs that another worker has computed from equal inputs.
                unit = Unit(commands.root, Step(stage, True, (), (), force, files.gpu), stage)
                local = LocalStages(processes, local_slots(None), env, gpu_limit)
                local.run(unit, logger.info, pull=not force)
                stage_outputs.send(commands, stage, files, repository=repository, ref=f"{ref}/outs", remote=remote)
            except BreathlineError as error:
                if caller_ended.is_set():
                    return Cancelled(message="The run that started this one has ended.")
                name = error.state_name if isinstance(error, StageFailedError) else "Failed"
                return Failed(message=str(error), name=name)
    finally:
        APILogHandler().flush()
    return None


def _pull_inputs(commands: TransferCommands, stage: str, remote: str) -> StageFiles:
    """Pull a stage's inputs and nothing else into a clean project, and return the stage's files."""
    with locked_repo(commands.root, commands.processes) as repo:
        files = read(repo, stage)
    clones.clean(commands.root, keep=files.dvc_deps)
    if files.dvc_deps:
        commands.dvc("pull", "--force", "--remote", remote, *files.dvc_deps)
    return files


@contextmanager
def _caller_watch(processes: ProcessGroups) -> Iterator[threading.Event]:
    """End the processes once the calling run has ended; yield an event that is then set.

    A caller that is cancelled cancels this run itself. A caller that was killed cannot, but the server finds out
    (automations.yaml: a run without a heartbeat).
    """
    caller = flow_run.parent_flow_run_id
    finished, caller_ended = threading.Event(), threading.Event()

    def watch() -> None:
        while not finished.wait(CALLER_POLL_S):
            try:
                with get_client(sync_client=True) as client:
                    state = client.read_flow_run(caller).state
            except httpx.HTTPError:
                continue  # the server may answer again soon
            if state is None or not state.is_running():
                caller_ended.set()
                processes.end()
                return

    if caller is not None:
        threading.Thread(target=watch, daemon=True, name="caller-watch").start()
    try:
        yield caller_ended
    finally:
        finished.set()
