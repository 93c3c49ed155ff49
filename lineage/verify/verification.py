"""Verification of a project: all checks in order, and the stages downstream of each finding.

Records, dvc.lock, cache, event log and Git confirm each other, so a change of a file or of some of its evidence is
found. A change of all current evidence is found by evidence of earlier runs (`lineage.verify.witnesses`), by
contradictions between tables and figures, by recomputation (`--deep`; weights by `--retrain`), or by a signature.
"""

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
    git_figures,
    git_state,
    hidden_files,
    log_anchors,
    log_signatures,
    outputs,
    patient_absence,
    provenance,
    repeated_runs,
    result_checks,
    run_order,
    seeds,
    signature,
    stage_modules,
    table_checks,
)
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, Report, Sample
from lineage.verify.signature import SignedStatement
from tasks.runtime.error_output import one_line
from tasks.runtime.errors import BreathlineError

Check = Callable[[AuditedProject], Iterator[Finding]]
BROKEN = (
    OSError,
    ValueError,
    ArithmeticError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    pa.ArrowException,
    BreathlineError,
)


def verify(
    root: Path,
    *,
    deep: Sample | None = None,
    elsewhere: bool = False,
    signed: SignedStatement | None = None,
    absent: Sequence[str] = (),
    log_keys: Sequence[Path] = (),
) -> Report:
    """Compare the files of a project with its records.

    Args:
        root: Root of the project.
        deep: Sample of cycles, features, predictions and trainings to recompute, with all figures; None for none.
        elsewhere: Whether the run is from another machine. Other packages are then no error, and neither is a run
            that this log does not have, if the dvc.lock in Git names its record.
        signed: Signed statement to check.
        absent: Patients whose data must be absent, such as ``patient:101``.
        log_keys: Public keys (PEM) of all who may sign entries of the event log; none if the log is not signed.

    Raises:
        BreathlineError: dvc.yaml or params.yaml cannot be read, or nothing has run.
    """
    audited = AuditedProject(root, log_keys, whole_history=deep is not None)
    if not audited.project.records and not audited.unreadable and not audited.lock and not audited.events:
        what = "Nothing has run here, so there is nothing to verify."
        raise BreathlineError(what, where=root, hint="`dvc pull`, or run")
    took: dict[str, float] = {}
    found: list[Finding] = []
    for name, check in _checks(deep, elsewhere, signed, absent).items():
        started = time.perf_counter()
        found += _run(name, check, audited)
        took[name] = round(time.perf_counter() - started, 3)
    found += audited.unreadable
    files, size = audited.hashes.read
    return Report(findings=_ordered(_with_downstream(audited, found)), checks=took, files=files, bytes=size)


def _checks(
    deep: Sample | None,
    elsewhere: bool,
    signed: SignedStatement | None,
    absent: Sequence[str],
) -> dict[str, Check]:
    checks: dict[str, Check] = {
        "hashes": _prefetch,
        "records": partial(event_log.records, elsewhere=elsewhere),
        "event log": partial(event_log.chain, elsewhere=elsewhere),
        "order of the event log": run_order.check,
        "anchors of the event log": partial(log_anchors.check, elsewhere=elsewhere),
        "signatures of the event log": log_signatures.check,
        "outs": outputs.check,
        "inputs": outputs.inputs,
        "hidden files": hidden_files.check,
        "graph": provenance.graph,
        "parameters": provenance.parameters,
        "modules": provenance.modules,
        "stages' own modules": stage_modules.check,
        "environment": partial(provenance.environment, elsewhere=elsewhere),
        "dvc.lock": dvc_lock.check,
        "cache": partial(dvc_lock.cache, everything=deep is not None),
        "repeated runs": partial(repeated_runs.check, elsewhere=elsewhere),
        "seeds": seeds.check,
        "Git": git_state.check,
        "figures in Git": git_figures.check,
        "recordings and split": table_checks.recordings,
        "pooled tables": table_checks.pooled,
        "subsets": table_checks.subsets,
        "models' cards": table_checks.cards,
        "soft labels": result_checks.soft_labels,
        "predictions": result_checks.predictions,
        "external predictions": result_checks.external_predictions,
        "metrics": result_checks.metrics,
    }
    if signed is not None:
        checks["signature"] = partial(signature.check, signed=signed)
    for patient in absent:
        checks[f"absence of {patient}"] = partial(patient_absence.check, patient=patient)
    if deep is not None:
        from lineage.verify import recomputation

        checks |= recomputation.checks(deep, elsewhere=elsewhere)
    return checks


def _prefetch(audited: AuditedProject) -> Iterator[Finding]:
    """Hash all files of the checks in parallel."""
    described = [*audited.project.files("outputs"), *audited.project.files("inputs"), *audited.project.files("code")]
    audited.hashes.prefetch([*(file["path"] for _, file in described), *map(record.path_of, audited.project.stages)])
    return iter(())


def _run(name: str, check: Check, audited: AuditedProject) -> Iterator[Finding]:
    """Yield the findings of a check; a check that fails is a finding itself."""
    try:
        yield from check(audited)
    except BROKEN as error:
        yield Finding("unchecked", name, f"this could not be checked: {one_line(error)}")


def _with_downstream(audited: AuditedProject, found: Iterable[Finding]) -> Iterator[Finding]:
    downstream = cache(audited.project.downstream)
    for finding in found:
        known = [stage for stage in finding.stages if stage in audited.project.stages]
        reached = {name for stage in known for name in downstream(stage)} - set(known)
        yield replace(finding, downstream=tuple(name for name in audited.project.order if name in reached))


def _ordered(found: Iterable[Finding]) -> list[Finding]:
    """Return the findings without duplicates, errors first."""
    return sorted(dict.fromkeys(found), key=lambda finding: finding.severity != "error")
