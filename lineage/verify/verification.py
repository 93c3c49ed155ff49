"""All checks, one after another, and what depends on what they find.

Records, dvc.lock, cache, event log and Git bear witness to each other: whoever changes a thing, or some witnesses of
it, is found. Whoever rewrites all of them, with every hash, is found by what does not follow from the rest: figures
from predictions, and, by computing it anew, everything else (`--deep`); or by a signature.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pyarrow as pa

from lineage import record
from lineage.verify import (
    dvc_lock,
    event_log,
    git_state,
    outputs,
    patient_absence,
    provenance,
    repeated_runs,
    result_checks,
    signature,
    table_checks,
)
from lineage.verify.audited_project import Tree
from lineage.verify.findings import Depth, Finding, Report
from lineage.verify.signature import Signed
from tasks.runtime.errors import BreathlineError

Check = Callable[[Tree], Iterator[Finding]]
BROKEN = (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, pa.ArrowException, BreathlineError)


def verify(
    root: Path,
    *,
    deep: Depth | None = None,
    elsewhere: bool = False,
    signed: Signed | None = None,
    absent: Sequence[str] = (),
) -> Report:
    """Return what differs between what lies there and what was recorded.

    Args:
        root: The project.
        deep: Compute a sample of cycles, features and predictions anew as well, and all figures.
        elsewhere: The run is from another machine: what is installed here is then worth no error, and
            neither is a run that the log here does not have, if the dvc.lock that Git holds names its record.
        signed: A signed statement to check as well.
        absent: Patients of whom nothing may be left, such as ``patient:101``.

    Raises:
        BreathlineError: dvc.yaml or params.yaml cannot be read, or nothing has run.
    """
    tree = Tree(root)
    if not tree.project.records and not tree.unreadable and not tree.lock and not tree.events:
        raise BreathlineError(
            "Nothing has run here: there is nothing to verify.", where=root, hint="`dvc pull`, or run"
        )
    took: dict[str, float] = {}
    found: list[Finding] = []
    for name, check in _checks(deep, elsewhere, signed, absent).items():
        started = time.perf_counter()
        found += _all(name, check, tree)
        took[name] = round(time.perf_counter() - started, 3)
    found += tree.unreadable
    files, size = tree.hashes.read
    return Report(findings=_ordered(_with_downstream(tree, found)), checks=took, files=files, bytes=size)


def _checks(deep: Depth | None, elsewhere: bool, signed: Signed | None, absent: Sequence[str]) -> dict[str, Check]:
    checks: dict[str, Check] = {
        "hashes": _prefetch,
        "records": partial(event_log.records, elsewhere=elsewhere),
        "event log": partial(event_log.chain, elsewhere=elsewhere),
        "outs": outputs.check,
        "inputs": outputs.inputs,
        "graph": provenance.graph,
        "parameters": provenance.parameters,
        "modules": provenance.modules,
        "environment": partial(provenance.environment, elsewhere=elsewhere),
        "dvc.lock": dvc_lock.check,
        "cache": partial(dvc_lock.cache, everything=deep is not None),
        "repeated runs": repeated_runs.check,
        "Git": git_state.check,
        "recordings and split": table_checks.recordings,
        "accounts": table_checks.accounts,
        "models' cards": table_checks.cards,
        "soft labels": result_checks.soft_labels,
        "predictions": result_checks.predictions,
        "metrics": result_checks.metrics,
    }
    if signed is not None:
        checks["signature"] = partial(signature.check, signed=signed)
    for patient in absent:
        checks[f"absence of {patient}"] = partial(patient_absence.check, patient=patient)
    if deep is not None:
        from lineage.verify import recomputation

        checks |= recomputation.checks(deep)
    return checks


def _prefetch(tree: Tree) -> Iterator[Finding]:
    """Hash everything that the checks will ask for, side by side."""
    described = [*tree.project.files("outputs"), *tree.project.files("inputs"), *tree.project.files("code")]
    tree.hashes.prefetch([*(file["path"] for _, file in described), *map(record.path_of, tree.project.stages)])
    return iter(())


def _all(name: str, check: Check, tree: Tree) -> Iterable[Finding]:
    """Return what a check finds; one that cannot be made is a finding, never a success."""
    found: list[Finding] = []
    try:
        found.extend(check(tree))
    except BROKEN as error:
        what = f"this could not be checked: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        found.append(Finding(kind="unchecked", where=name, what=what))
    return found


def _with_downstream(tree: Tree, found: Iterable[Finding]) -> Iterator[Finding]:
    after = cache(tree.project.after)
    for finding in found:
        known = [stage for stage in finding.stages if stage in tree.project.stages]
        reached = {name for stage in known for name in after(stage)} - set(known)
        yield replace(finding, downstream=tuple(name for name in tree.project.order if name in reached))


def _ordered(found: Iterable[Finding]) -> list[Finding]:
    """Return each finding once, errors first."""
    return sorted(dict.fromkeys(found), key=lambda finding: finding.severity != "error")
