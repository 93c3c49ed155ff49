"""Whether anything of a patient is left: against the hashes of a run that had them."""

from __future__ import annotations

import re
from pathlib import Path

from lineage.absence import fingerprint, search
from lineage.absence.search import Absence
from lineage.diff import runs
from tasks.runtime.errors import BreathlineError

NAMED = re.compile(r"patient:(.+)")


def of(root: Path, patient: str, before: str | None = None) -> Absence:
    """Return what is left of a patient.

    Args:
        root: The project.
        patient: Such as ``patient:101``.
        before: A run with them, a revision or a folder; if not given, the last commit of dvc.lock whose run had them.

    Raises:
        BreathlineError: This is no patient, or the run before does not have them.
    """
    named = NAMED.fullmatch(patient)
    if named is None:
        raise BreathlineError(f"`{patient}` is no patient.", hint="such as patient:101")
    number = named[1]
    if before is None:
        return search.search(root, number, fingerprint.search_history(root, number))
    known = fingerprint.take(runs.opened(before, root), number)
    if known is None:
        hint = "name a run that has them; of a revision, DVC's cache must hold its tables (`dvc fetch`)"
        raise BreathlineError(f"{before} has no tables with patient {number}.", where="--before", hint=hint)
    return search.search(root, number, known)
