"""Dispatch of a stage to a remote worker: send the inputs, wait, fetch the outs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from flows.git_commits import commit_working_tree
from flows.processes.process_groups import Log, ProcessGroups
from flows.processes.stage_errors import StageFailedError, transient_of
from flows.remote import remotes, run_monitor, stage_outputs
from flows.remote.stage_files import StageFiles, check_in_git, locked_repo, read
from flows.remote.transfer_commands import TransferCommands
from flows.scheduling.scheduler import Unit
from lineage.code import BASE
from lineage.git import git
from tasks.runtime.errors import BreathlineError

# Apart from branches and tags: no clone fetches these by itself.
REFS = "refs/breathline"


def run_on_worker(unit: Unit, processes: ProcessGroups, env: Mapping[str, str], log: Log) -> None:
    """Run one stage on a worker; afterwards the project holds its outs, as if the stage had run here.

    Args:
        unit: The stage and its work pool; the project's files are sent with all uncommitted changes.
        processes: Processes of the run; when they end, the worker's run is cancelled.
        env: Environment of the stage; the worker gets the variables of Breathline alone.
        log: Function that takes each line of the stage's output.
    """
    stage, root, pool = unit.step.stage, unit.workspace, str(unit.pool)
    try:
        shared = remotes.shared_remotes(root)
        with locked_repo(root, processes) as repo:
            files = read(repo, stage)
            check_in_git(repo, files)
            # While no other stage writes dvc.lock.
            also = (stage_outputs.LOCK, *files.git_deps)
            commit = commit_working_tree(root, f"breathline: {stage}, for a worker of {pool}", also=also)
        dispatch = _Dispatch(
            commands=TransferCommands(root, processes, log),
            stage=stage,
            pool=pool,
            remotes=shared,
            files=files,
            commit=commit,
            ref=f"{REFS}/{uuid4().hex}",
        )
        dispatch.run(force=unit.step.force, env=env)
    except StageFailedError:
        raise
    except BreathlineError as error:
        raise StageFailedError(error.what, where=error.where, hint=error.hint) from error


@dataclass(frozen=True, kw_only=True)
class _Dispatch:
    """One commit on its way to a worker and back."""

    commands: TransferCommands
    stage: str
    pool: str
    remotes: remotes.Remotes
    files: StageFiles
    commit: str
    ref: str

    def run(self, *, force: bool, env: Mapping[str, str]) -> None:
        root, commands, remote = self.commands.root, self.commands, self.remotes
        if self.files.dvc_deps:
            commands.dvc("push", "--remote", remote.dvc, *self.files.dvc_deps)
        try:
            # Without hooks: that of `dvc install` would push all data of the project.
            commands.git("push", "--quiet", "--no-verify", remote.git, f"{self.commit}:{self.ref}/asked")
            self._run_deployment(force, env)
            commands.git("fetch", "--quiet", "--no-tags", remote.git, f"+{self.ref}/made:{self.ref}/made")
            made = git(root, "rev-parse", f"{self.ref}/made")
            stage_outputs.fetch(commands, self.stage, self.files, commit=made, remote=remote.dvc)
        finally:
            self._remove_refs()

    def _run_deployment(self, force: bool, env: Mapping[str, str]) -> None:
        parameters = {
            "stage": self.stage,
            "commit": self.commit,
            "ref": self.ref,
            "repository": self.remotes.repository,
            "remote": self.remotes.dvc,
            "force": force,
            # Other variables, such as the server's address, belong to this machine.
            "env": {name: value for name, value in env.items() if name.startswith("BREATHLINE_")}
            | {BASE: git(self.commands.root, "rev-parse", "HEAD")},
        }
        processes, log = self.commands.processes, self.commands.log
        state = run_monitor.run(self.pool, parameters, name=self.stage, processes=processes, log=log)
        if not state.is_completed():
            raise StageFailedError(
                f"On a worker of the pool {self.pool}: {state.message or state.name}",
                transient=transient_of(state.name),
                hint="mend the cause, then run again; to run on this machine, leave out the pool",
            )

    def _remove_refs(self) -> None:
        """Remove the refs on both sides; refs that a killed run leaves do no harm."""
        root = self.commands.root
        for end in ("asked", "made"):
            try:
                git(root, "push", "--quiet", "--no-verify", self.remotes.git, f":{self.ref}/{end}")
            except BreathlineError as error:
                self.commands.log(f"The Git remote still has {self.ref}/{end}: {error.what}")
        git(root, "update-ref", "-d", f"{self.ref}/made")
