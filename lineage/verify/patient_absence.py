"""Patients of whom nothing may be left."""

from __future__ import annotations

from collections.abc import Iterator

from lineage.absence import proof
from lineage.verify.audited_project import Tree
from lineage.verify.findings import Finding


def check(tree: Tree, *, patient: str) -> Iterator[Finding]:
    """Yield each place where something of a patient is left, and why it is not proven where nothing was found.

    Args:
        tree: The project.
        patient: Such as ``patient:101``.
    """
    found = proof.of(tree.root, patient)
    for trace in found.traces:
        maker = tree.project.maker(trace.path)
        stages = (maker,) if maker else ()
        yield Finding(kind="patient-left", where=trace.path, what=f"{patient}: {trace.what}", stages=stages)
    if not found.traces and not found.proven:
        what = "not all of it could be searched, or no earlier run with them is known by its hashes"
        hint = f"`breathline audit absent {patient}` tells more, and takes such a run by --before"
        yield Finding(kind="patient-unproven", where=patient, what=f"{what}; {hint}")
    elif found.proven:
        what = f"nothing of them is left in {found.files} files and {found.rows} rows of numbers"
        yield Finding(kind="patient-absent", where=patient, what=what, severity="note")
