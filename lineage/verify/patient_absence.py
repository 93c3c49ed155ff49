"""Check that no data of a patient is left."""

from collections.abc import Iterator

from lineage.absence.search import find
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, note


def check(audited: AuditedProject, *, patient: str) -> Iterator[Finding]:
    """Yield each file with data of a patient, such as ``patient:101``; without any, whether the absence is proven."""
    found = find(audited.root, patient)
    for trace in found.traces:
        maker = audited.project.maker(trace.path)
        stages = (maker,) if maker else ()
        yield Finding("patient-left", trace.path, f"{patient}: {trace.what}", stages)
    if not found.traces and not found.proven:
        what = "not all of it could be searched, or no earlier run with the patient is known by its hashes"
        hint = f"`breathline audit absent {patient}` says more, and takes such a run by --before"
        yield Finding("patient-unproven", patient, f"{what}; {hint}")
    elif found.proven:
        what = f"nothing of the patient is left in {found.files} files and {found.rows} rows of numbers"
        yield note("patient-absent", patient, what)
