"""A stage of this project on a worker elsewhere: send what it needs, wait, take what it has made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from flows.git_commits import commit_working_tree, git
from flows.processes.stage_process import Groups, StageFailedError
from flows.remote import remotes, run_monitor, stage_outputs
from flows.remote.stage_files import Parts, check_in_git, held, read
from flows.remote.transfer_commands import Transfers
from flows.scheduling.stage_task import PASSING
from lineage.code import BASE
from tasks.runtime.errors import BreathlineError

# Beside branches and tags: no clone fetches these by itself.
REFS = "refs/breathline"


def run_on_worker(
    stage: str,
    root: Path,
    pool: str,
    *,
    force: bool,
    groups: Groups,
    env: Mapping[str, str],
    log: Callable[[str], None],
) -> None:
    """Run one stage on a worker; afterwards its outs lie here, and ``dvc.lock`` knows them, as if it had run here.

    Args:
        stage: Its name, as DVC knows it.
        root: The project; its files are sent as they stand, committed or not.
        pool: The work pool of the worker.
        force: Whether it runs even where nothing has changed.
        groups: The processes of the run; when they end, the worker's run is cancelled.
        env: What the stage finds in its environment; what is Breathline's own of it goes along.
        log: Takes a line of the stage's output.

    Raises:
        StageFailedError: The stage failed there, or something that it needs cannot get there.
    """
    try:
        shared = remotes.of(root)
        with held(root, groups) as repo:
            parts = read(repo, stage)
            check_in_git(repo, parts)
            # While no other stage writes dvc.lock.
            also = (stage_outputs.LOCK, *parts.git_deps)
            commit = commit_working_tree(root, f"breathline: {stage}, for a worker of {pool}", also=also)
        errand = _Errand(
            project=Transfers(root, groups, log),
            stage=stage,
            pool=pool,
            shared=shared,
            parts=parts,
            commit=commit,
            ref=f"{REFS}/{uuid4().hex}",
        )
        errand.run(force=force, env=env)
    except StageFailedError:
        raise
    except BreathlineError as error:
        raise StageFailedError(error.what, where=error.where, hint=error.hint) from error


@dataclass(frozen=True, kw_only=True)
class _Errand:
    """One commit on its way to a worker and back."""

    project: Transfers
    stage: str
    pool: str
    shared: remotes.Remotes
    parts: Parts
    commit: str
    ref: str

    def run(self, *, force: bool, env: Mapping[str, str]) -> None:
        shared, project = self.shared, self.project
        if self.parts.dvc_deps:
            project.dvc("push", "--remote", shared.dvc, *self.parts.dvc_deps)
        try:
            # No hooks: that of `dvc install` would push all data there is.
            project.git("push", "--quiet", "--no-verify", shared.git, f"{self.commit}:{self.ref}/asked")
            self._ask(force, env)
            project.git("fetch", "--quiet", "--no-tags", shared.git, f"+{self.ref}/made:{self.ref}/made")
            made = git(project.root, "rev-parse", f"{self.ref}/made")
            stage_outputs.take(project, self.stage, self.parts, commit=made, remote=shared.dvc)
        finally:
            self._tidy()

    def _ask(self, force: bool, env: Mapping[str, str]) -> None:
        parameters = {
            "stage": self.stage,
            "commit": self.commit,
            "ref": self.ref,
            "repository": self.shared.repository,
            "remote": self.shared.dvc,
            "force": force,
            # Other settings, such as the server's address, are this machine's own.
            "env": {name: value for name, value in env.items() if name.startswith("BREATHLINE_")}
            | {BASE: git(self.project.root, "rev-parse", "HEAD")},
        }
        groups, log = self.project.groups, self.project.log
        state = run_monitor.run(self.pool, parameters, name=self.stage, groups=groups, log=log)
        if state.is_completed():
            return
        failure = StageFailedError(
            f"On a worker of the pool {self.pool}: {state.message or state.name}",
            hint="mend the cause, then run again; on this machine: leave out the pool",
        )
        if state.name == PASSING["busy"]:
            failure.passing = "busy"
        elif state.name == PASSING["network"]:
            failure.passing = "network"
        raise failure

    def _tidy(self) -> None:
        """Remove the refs on both sides; those that a killed run leaves there harm nobody."""
        for end in ("asked", "made"):
            try:
                git(self.project.root, "push", "--quiet", "--no-verify", self.shared.git, f":{self.ref}/{end}")
            except BreathlineError as error:
                self.project.log(f"{self.ref}/{end} stays in the Git remote: {error.what}")
        git(self.project.root, "update-ref", "-d", f"{self.ref}/made")
