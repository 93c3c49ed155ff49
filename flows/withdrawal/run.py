"""Execution of a withdrawal: exclusion, new run, erasure, proof, and the entry of the event log.

A withdrawal that was interrupted is continued by the same command: its hashes are kept from the start.
"""

import os
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from flows.processes.process_groups import NO_TELEMETRY
from flows.recipes import writing
from flows.withdrawal import erase
from flows.withdrawal.erase import Erased
from flows.withdrawal.plan import Plan
from lineage import events, machine
from lineage.absence import cached_objects, stores, withdrawals
from lineage.absence import search as absence
from lineage.absence.search import Absence
from lineage.absence.stores import REPRODUCTIONS, Stores
from tasks.runtime.error_output import one_line
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import counted

# Result of a search that failed.
NO_SEARCH = Absence(
    patient="", corpus=None, setting=None, homonyms=(), traces=(), files=0, rows=0, known_by=None, not_there=()
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Result of a withdrawal."""

    plan: Plan
    at: str  # time of the end, in UTC
    erased: Erased
    absence: Absence  # search of all outs
    stores: Stores  # search of everything else, after the erasure
    left_in_remotes: dict[str, int]  # objects and entries in remotes of this machine, by name
    failed: tuple[str, ...]  # steps that failed, with the reason
    logged: bool = True  # whether the event log has an entry of the withdrawal

    @property
    def unfinished(self) -> list[str]:
        """Descriptions of what Breathline has neither erased nor searched; the same command may do so."""
        left = [f"left: {trace.path}: {trace.what}" for trace in self.absence.traces]
        left += [f"left: {what}" for what in self.stores.erasable]
        asked = (remote.name for remote in self.plan.remotes if remote.erased)
        left += [f"left: remote {name}: {count} objects" for name in asked if (count := self.left_in_remotes.get(name))]
        missed = dict.fromkeys((*self.absence.not_there, *self.stores.unread))
        return [*(f"failed: {what}" for what in self.failed), *left, *(f"not searched: {what}" for what in missed)]

    @property
    def for_people(self) -> list[str]:
        """Descriptions of what was found, or cannot be searched, and that only a person can erase."""
        stores = self.stores
        found = [f"{file.path}: {file.what}" for file in stores.files]
        found += [f"Git: {file.path}: {file.what}" for file in stores.in_git.files]
        found += [f"Git, named by no reference: {one.path}: {one.what}" for one in stores.in_git.unreachable]
        found += [f"event log, entry {entry}" for entry in stores.log_entries]
        found += self.links
        found += [f"download: {path}" for path in self.plan.downloads if path.exists()]
        return found + [f"remote {name}: {what}" for name, what in self.remotes.items()]

    @property
    def links(self) -> list[str]:
        """Links to places outside of the project, before and after the run."""
        return list(dict.fromkeys((*self.plan.stores.links, *self.stores.links)))

    @property
    def remotes(self) -> dict[str, str]:
        """State of the remotes that were not erased from and have, or may have, data of the patient."""
        found = {}
        for remote in self.plan.remotes:
            left = self.left_in_remotes.get(remote.name)
            if remote.cache is None:
                found[remote.name] = "not in a folder of this machine, not searched"
            elif not remote.erased and left != 0:
                found[remote.name] = "not searched" if left is None else counted(left, "object")
        return found

    @property
    def proven(self) -> bool:
        """True if everything was searched, and nothing with data of the patient was found."""
        return not self.unfinished and not self.for_people and self.absence.proven


def carry_out(root: Path, plan: Plan) -> Outcome:
    """Carry out a plan; the caller holds the lock of the project.

    An error after the erasure began is part of the outcome, so that letter and entry of the log are written.

    Raises:
        BreathlineError: The run failed, or a stage is being reproduced; nothing is erased then.
    """
    _refuse_reproductions(root)
    withdrawals.save(root, plan.patient, plan.withdrawal)
    writing.write(root, plan.edit)
    _rerun(root)
    searched, _ = absence.searcher(root, plan.patient, plan.known)
    before = stores.search(root, searched, absence.outs(root), plan.stores.cached.from_patient)
    withdrawals.save(root, plan.patient, withdrawals.Withdrawal(plan.known, before.cached.from_patient))
    erased = erase.erase(root, before, plan.remotes, searched)
    return _logged(root, _searched_again(root, plan, before, erased))


def _refuse_reproductions(root: Path) -> None:
    """Raise an error if a process reproduces a stage, whose folder would be erased.

    Raises:
        BreathlineError: The lock of a reproduction is held.
    """
    for path in sorted((root / REPRODUCTIONS).glob("*.lock")):
        try:
            FileLock(path).acquire(timeout=0).lock.release()
        except Timeout as error:
            what = "A stage is being reproduced, and a withdrawal erases the folder of reproductions."
            hint = "wait for `breathline audit reproduce`, or end it; then run the same command again"
            raise BreathlineError(what, where=path, hint=hint) from error


def _rerun(root: Path) -> None:
    """Run all stages that the exclusion changes.

    Raises:
        BreathlineError: A stage failed.
    """
    # Stages start as `python -m …`: this environment's python comes first. The output of the command stays its own.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    env = os.environ | NO_TELEMETRY | {"PATH": path}
    done = subprocess.run([sys.executable, "-m", "dvc", "repro"], cwd=root, env=env, stdout=2, check=False)
    if done.returncode:
        what = "The run without the patient failed, so that nothing is erased yet."
        hint = "its message is above; mend the cause and run the same command again, which continues"
        raise BreathlineError(what, where=root, hint=hint)


def _searched_again(root: Path, plan: Plan, before: Stores, erased: Erased) -> Outcome:
    """Return the outcome with a search of everything; after an error, with the state before the erasure."""
    begun = Outcome(
        plan=plan, at=events.now(), erased=erased, absence=NO_SEARCH, stores=before, left_in_remotes={},
        failed=erased.failed,
    )  # fmt: skip
    try:
        found = absence.search(root, plan.patient, plan.known)
        searched, _ = absence.searcher(root, plan.patient, plan.known)
        from_patient = before.cached.from_patient
        after = stores.search(root, searched, absence.outs(root), from_patient)
        left = {}
        for remote in plan.remotes:
            if remote.cache:
                stored = cached_objects.search(root, remote.cache, searched, from_patient)
                left[remote.name] = len(stored.objects) + len(stored.entries)
        after = replace(after, unread=tuple(dict.fromkeys((*after.unread, *searched.unread))))
        return replace(begun, absence=found, stores=after, left_in_remotes=left)
    except Exception as error:  # noqa: BLE001 - data are erased already: the letter has to say so, whatever fails here
        return replace(begun, failed=(*begun.failed, f"the search after the erasure: {one_line(error)}"))


def _logged(root: Path, outcome: Outcome) -> Outcome:
    """Append the entry of the event log; return the outcome, with the reason if the log cannot be written."""
    plan = outcome.plan
    entry = {
        "event": withdrawals.EVENT,
        "at": outcome.at,
        "patient": withdrawals.id_of(root, plan.corpus.name, plan.patient),
        "erased": asdict(outcome.erased) | {"failed": len(outcome.erased.failed)},
        "proven": outcome.proven,
    }
    try:
        events.append(root, {**entry, **machine.identity()})
    except (BreathlineError, OSError) as error:
        failed = f"the entry of the event log: {one_line(error)}"
        return replace(outcome, failed=(*outcome.failed, failed), logged=False)
    return outcome
