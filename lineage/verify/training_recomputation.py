"""Recomputation of the first losses of trainings, and repetition of whole trainings, a few at a time."""

import math
from collections.abc import Iterator, Sequence

from lineage import events, record
from lineage.reproduction import conditions
from lineage.reproduction.recorded_run import RecordedRun
from lineage.reproduction.run import TRAININGS, Options
from lineage.reproduction.targets import reproduce_each
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, Sample, note, recomputed
from lineage.verify.stage_modules import module_of
from models.training.inference import pick_device
from models.training.settings import ComputeSettings
from tasks.runtime import params
from tasks.training import first_losses, jobs
from tasks.training.decisions import FIRST_LOSSES

ROUNDED = 0.01  # relative difference of the first losses that another processor may give


def losses(audited: AuditedProject) -> Iterator[Finding]:
    """Yield trainings whose first steps give other losses than recorded: other code, inputs or settings made them.

    On the processor of the run, the losses must be equal. Where a GPU takes part, its random numbers differ from those
    of a processor, and the difference is only told.
    """
    for run in _trainings(audited):
        recorded = run.record["decisions"].get(FIRST_LOSSES)
        given = params.nest(run.record["params"])
        compute = params.parse(ComputeSettings, given["compute"], "compute")
        if not recorded:
            module = module_of(run.stage)
            present = audited.hashes.of(module)
            several = compute.processes > 1 or run.record["decisions"].get("started_processes", 1) > 1
            if present and run.record["modules"].get(module) == present.sha256 and not several:
                what = f"its record has no first losses, though its code ({module}) writes them"
                yield Finding("training-contradicts", run.stage, what, (run.stage,))
            else:
                what = "its record has no first losses: it is of an earlier version, or ran in several processes"
                yield note("losses-unknown", run.stage, what, (run.stage,))
            continue
        made = first_losses.compute(jobs.of_stage(given, run.stage, audited.root), compute)
        off, allowed = _distance(recorded, made), _tolerance(run, audited, compute)
        if off > allowed:
            what = f"its first losses are {_shown(recorded)}; its inputs and settings give {_shown(made)}"
            yield Finding("training-contradicts", run.stage, what, (run.stage,))
        yield recomputed(run.stage, f"losses of the first {len(made)} steps recomputed", off)


def _distance(recorded: Sequence[float], made: Sequence[float]) -> float:
    """Return the largest relative difference of two series of losses; infinite if they cannot be compared."""
    if len(recorded) != len(made) or not all(isinstance(one, int | float) for one in recorded):
        return float("inf")
    off = [abs(one - other) / max(abs(one), 1e-3) for one, other in zip(recorded, made, strict=True)]
    return max(off) if all(map(math.isfinite, off)) else float("inf")


def _tolerance(run: RecordedRun, audited: AuditedProject, compute: ComputeSettings) -> float:
    """Return the largest difference that other hardware may give; no GPU took part where the settings exclude it."""
    if compute.device != "cpu":
        there = audited.hashes.of(record.path_of(run.stage))
        ends = [entry for entry in audited.ended.get(run.stage, ()) if there and entry.get("record") == there.sha256]
        ended = ends[-1] if ends else {}
        gpus = events.start_of(audited.events, ended).get("gpus") if ended else None
        if (ended.get("cuda") is not None and gpus) or pick_device(compute).type != "cpu":
            return float("inf")
    return ROUNDED if not compute.deterministic or any(conditions.of_hardware(run)) else 0.0


def _shown(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.9g}" for value in values)


def _trainings(audited: AuditedProject) -> list[RecordedRun]:
    """Return the recorded runs of all trainings."""
    records = audited.project.records
    names = [name for name in records if name.partition("@")[0] in TRAININGS]
    return [RecordedRun(audited, audited.root, name, records[name]) for name in names]


def retrained(audited: AuditedProject, sample: Sample, *, elsewhere: bool) -> Iterator[Finding]:
    """Yield trainings that give other networks when they are run again, and those that cannot be.

    Args:
        audited: Project that is verified.
        sample: Sample with the number of trainings; consecutive seeds take turns.
        elsewhere: Whether the run is from another machine; other packages are then no reason to refuse.
    """
    runs = {run.stage: run for run in _trainings(audited)}
    chosen = [runs[name] for name in sample.trainings(runs)]
    for found in reproduce_each(chosen, Options(anyway=elsewhere, quiet=True)):
        said, stages = "; ".join(found.differences), (found.stage,)
        if found.verdict == "differs":
            what = f"a second training gives another network: {said}"
            yield Finding("training-contradicts", found.stage, what, stages)
        elif found.verdict == "not reproducible":
            yield Finding("unchecked", found.stage, f"it could not be trained again: {said}", stages)
        else:
            equal = found.extent if found.verdict == "reproduced" else f"within tolerance: {said}"
            yield recomputed(found.stage, f"trained again in {found.seconds:.0f} s, {equal}", None)
