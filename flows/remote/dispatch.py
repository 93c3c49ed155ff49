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
from lineage.git import git
from tasks.runtime.errors import BreathlineError

# Apart from branches and tags: no clone fetches these by itself.
REFS = "refs/breathline"


def run_on_worker(unit: Unit, processes: ProcessGroups, env: Mapping[str, str], log: Log) -> None:
    """Run one stage on a worker; afterwards the project holds its outs, as if the stage had run here.

    The project's files are sent with all uncommitted changes. Of the environment, the worker gets the variables of
    Breathline alone. When the processes of the run end, the worker's run is cancelled.

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
        # While no other stage writes dvc.lock.
        also = (stage_outputs.LOCK, *files.git_deps)
        commit = commit_working_tree(root, f"breathline: {stage}, for a worker of {pool}", also=also)
    ref = f"{REFS}/{uuid4().hex}"
    parameters = {
        "stage": stage,
        "commit": commit,
        "ref": ref,
        "repository": remote.repository,
        "remote": remote.dvc,
        "force": unit.step.force,
        # Other variables, such as the server's address, belong to this machine.
        "env": {name: value for name, value in env.items() if name.startswith("BREATHLINE_")}
        | {BASE: git(root, "rev-parse", "HEAD")},
    }
    if files.dvc_deps:
        commands.dvc("push", "--remote", remote.dvc, *files.dvc_deps)
    try:
        # Without hooks: that of `dvc install` would push all data of the project.
        commands.git("push", "--quiet", "--no-verify", remote.git, f"{commit}:{ref}/asked")
        state = run_monitor.run(pool, parameters, name=stage, processes=commands.processes, log=commands.log)
        if not state.is_completed():
            raise StageFailedError(
                f"On a worker of the pool {pool}: {state.message or state.name}",
                transient=transient_of(state.name),
                hint="mend the cause, then run again; to run on this machine, leave out the pool",
            )
        commands.git("fetch", "--quiet", "--no-tags", remote.git, f"+{ref}/made:{ref}/made")
        made = git(root, "rev-parse", f"{ref}/made")
        stage_outputs.fetch(commands, stage, files, commit=made, remote=remote.dvc)
    finally:
        # On both sides; refs that a killed run leaves do no harm.
        for end in ("asked", "made"):
            try:
                git(root, "push", "--quiet", "--no-verify", remote.git, f":{ref}/{end}")
            except BreathlineError as error:
                commands.log(f"The Git remote still has {ref}/{end}: {error.what}")
        git(root, "update-ref", "-d", f"{ref}/made")
