"""Execution of a withdrawal: exclusion, new run, erasure, proof, and the entry of the event log.

A withdrawal that was interrupted is continued by the same command: its hashes are kept from the start.
"""

import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from flows.processes.process_groups import NO_TELEMETRY
from flows.recipes import writing
from flows.withdrawal import erase
from flows.withdrawal.erase import Erased
from flows.withdrawal.plan import Plan
from lineage import events, machine
from lineage.absence import search as absence
from lineage.absence import stores, withdrawals
from lineage.absence.search import Absence
from lineage.absence.stores import Stores
from tasks.runtime.errors import BreathlineError


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Result of a withdrawal."""

    plan: Plan
    at: str  # time of the end, in UTC
    erased: Erased
    absence: Absence  # search of all outs
    stores: Stores  # search of everything else, after the erasure
    left_in_remotes: dict[str, int]  # objects that remotes still have, by name; those of other machines are not known

    @property
    def proven(self) -> bool:
        """True if everything was searched, and nothing that Breathline can erase is left."""
        return self.absence.proven and not self.stores.erasable and not self.stores.unread


def carry_out(root: Path, plan: Plan) -> Outcome:
    """Carry out a plan; the caller holds the lock of the project.

    Raises:
        BreathlineError: The run failed; nothing is erased then.
    """
    withdrawals.save(root, plan.patient, plan.withdrawal)
    writing.write(root, plan.edit)
    _rerun(root)
    searched, _ = absence.searcher(root, plan.patient, plan.known)
    before = stores.search(root, searched, absence.outs(root), plan.stores.cached.tainted)
    withdrawals.save(root, plan.patient, withdrawals.Withdrawal(plan.known, before.cached.tainted))
    erased = erase.erase(root, before, plan.remotes, searched)
    return _prove(root, plan, before, erased)


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


def _prove(root: Path, plan: Plan, before: Stores, erased: Erased) -> Outcome:
    """Search everything again, and append the entry of the event log."""
    found = absence.search(root, plan.patient, plan.known)
    searched, _ = absence.searcher(root, plan.patient, plan.known)
    tainted = before.cached.tainted
    after = stores.search(root, searched, absence.outs(root), tainted)
    caches = {remote.name: remote.cache for remote in plan.remotes if remote.cache}
    left = {name: sum(cache.object(md5).is_file() for md5 in tainted) for name, cache in caches.items()}
    outcome = Outcome(
        plan=plan, at=events.now(), erased=erased, absence=found, stores=after, left_in_remotes=left
    )  # fmt: skip
    entry = {
        "event": withdrawals.EVENT,
        "at": outcome.at,
        "patient": withdrawals.id_of(plan.corpus.name, plan.patient),
        "erased": asdict(erased),
        "proven": outcome.proven,
    }
    events.append(root, {**entry, **machine.identity()})
    return outcome
