"""Repetition of whole trainings from their records, a few at a time."""

from collections.abc import Iterator

from lineage.reproduction.recorded_run import RecordedRun
from lineage.reproduction.run import TRAININGS, Options
from lineage.reproduction.targets import reproduce_each
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, Sample, recomputed


def retrained(audited: AuditedProject, sample: Sample, *, elsewhere: bool) -> Iterator[Finding]:
    """Yield trainings that give other networks when they are run again, and those that cannot be.

    Args:
        audited: Project that is verified.
        sample: Sample with the number of trainings; consecutive seeds take turns.
        elsewhere: Whether the run is from another machine; other packages are then no reason to refuse.
    """
    records = audited.project.records
    chosen = sample.trainings(name for name in records if name.partition("@")[0] in TRAININGS)
    runs = [RecordedRun(audited, audited.root, name, records[name]) for name in chosen]
    for found in reproduce_each(runs, Options(anyway=elsewhere, quiet=True)):
        said, stages = "; ".join(found.differences), (found.stage,)
        if found.verdict == "differs":
            what = f"a second training gives another network: {said}"
            yield Finding("training-contradicts", found.stage, what, stages)
        elif found.verdict == "not reproducible":
            yield Finding("unchecked", found.stage, f"it could not be trained again: {said}", stages)
        else:
            equal = "equal bytes" if found.verdict == "reproduced" else f"within tolerance: {said}"
            yield recomputed(found.stage, f"trained again in {found.seconds:.0f} s, {equal}", None)
