"""Dispatch of a stage to a remote worker: send the inputs, wait, fetch the outs."""

from collections.abc import Mapping
from uuid import uuid4

from flows.git_commits import commit_working_tree
from flows.processes.process_groups import Log, ProcessGroups
from flows.processes.stage_errors import StageFailedError, transient_of
from flows.remote import remotes, run_monitor, stage_outputs
from flows.remote.stage_files import check_in_git, locked_repo, read
from flows.remote.transfer_commands import TransferCommands
from flows.scheduling.scheduler import Unit
from lineage.code import BASE
from lineage.dvc_storage import LOCK
from lineage.git import git, prefix
from tasks.runtime.error_output import one_line
from tasks.runtime.errors import BreathlineError

# Refs that are neither branches nor tags: `git clone` and `git fetch` do not copy them unless they are named.
REFS = "refs/breathline"


def run_on_worker(unit: Unit, processes: ProcessGroups, env: Mapping[str, str], log: Log) -> None:
    """Run one stage on a worker; afterwards the project holds its outs, as if the stage had run here.

    The project's files are sent with all uncommitted changes. When the processes of the run end, the worker's run is
    cancelled.

    Args:
        unit: Stage, its workspace and the work pool.
        processes: Processes of the calling run.
        env: Environment of the stage, of which the worker gets the variables BREATHLINE_* only.
        log: Function that takes each line of the stage's output.

    Raises:
        StageFailedError: The stage failed on the worker, or an input cannot be sent.
    """
    try:
        _send_run_fetch(unit, TransferCommands(unit.workspace, processes, log), env)
    except StageFailedError:
        raise
    except BreathlineError as error:
        raise StageFailedError(error.what, where=error.where, hint=error.hint) from error


def _send_run_fetch(unit: Unit, commands: TransferCommands, env: Mapping[str, str]) -> None:
    stage, root, pool = unit.step.stage, unit.workspace, str(unit.pool)
    remote = remotes.shared_remotes(root)
    with locked_repo(root, commands.processes) as repo:
        files = read(repo, stage)
        check_in_git(repo, files)
        # Under DVC's lock, so that no other stage writes dvc.lock at the same time.
        extra_files = (LOCK, *files.git_deps)
        commit = commit_working_tree(root, f"breathline: {stage}, for a worker of {pool}", extra_files=extra_files)
    ref = f"{REFS}/{uuid4().hex}"
    parameters = {
        "stage": stage,
        "commit": commit,
        "ref": ref,
        "repository": remote.repository,
        "remote": remote.dvc,
        "force": unit.step.force,
        # Other variables, such as the server's address, are valid on this machine only.
        "env": {name: value for name, value in env.items() if name.startswith("BREATHLINE_")}
        | {BASE: git(root, "rev-parse", "HEAD")},
    }
    if folder := prefix(root).rstrip("/"):
        parameters["folder"] = folder
    if files.dvc_deps:
        commands.dvc("push", "--remote", remote.dvc, *files.dvc_deps)
    try:
        # Without hooks: the pre-push hook of `dvc install` would push all data of the project.
        commands.git("push", "--quiet", "--no-verify", remote.git, f"{commit}:{ref}/inputs")
        state = run_monitor.run(pool, parameters, name=stage, processes=commands.processes, log=commands.log)
        if not state.is_completed():
            raise StageFailedError(
                f"On a worker of the pool {pool}: {state.message or state.name}",
                transient=transient_of(state.name),
                hint="correct the cause, then run again; to run on this machine, leave out the pool",
            )
        commands.git("fetch", "--quiet", "--no-tags", remote.git, f"+{ref}/outs:{ref}/outs")
        made = git(root, "rev-parse", f"{ref}/outs")
        stage_outputs.fetch(commands, stage, files, commit=made, remote=remote.dvc)
    finally:
        # Remove the refs of the Git remote and of the project. A killed run leaves its refs, which do no harm.
        for name in ("inputs", "outs"):
            try:
                git(root, "push", "--quiet", "--no-verify", remote.git, f":{ref}/{name}")
            except BreathlineError as error:
                commands.log(f"The Git remote still has {ref}/{name}: {one_line(error)}")
        git(root, "update-ref", "-d", f"{ref}/outs")
