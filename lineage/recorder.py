"""Recording of a stage's run: a start and an end event, and the record after success.

A stage that is killed has a start event without an end event.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lineage import error_texts, events, machine, record, record_writing, seed_runs, test_use
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256


@contextmanager
def recorded(root: Path, stage: str, decisions: Mapping[str, Any]) -> Iterator[None]:
    """Record the work of a stage within the block: write its events and its record.

    Args:
        root: Root of the project.
        stage: Name of the stage in DVC.
        decisions: Mapping to which the work adds its decisions; it is read when the work has ended.

    Raises:
        BreathlineError: dvc.yaml does not have the stage, a module from outside of the project was imported, or the key
            of the event log cannot be used. Errors of the work are raised again.
    """
    energy, recording_began = machine.Energy(), time.perf_counter()
    log, experiment = events.home(root), events.experiment(root)
    start = {"stage": stage, "at": events.now(), **machine.identity(), **experiment}
    record_start = record_writing.begin(root, stage)
    start_hash = events.append(log, {"event": "start", **start, **machine.hardware()})
    work_began = time.perf_counter()

    def end(status: str, work_ended: float, **more: Any) -> None:
        now = time.perf_counter()
        took = {
            "at": events.now(),
            "pid": start["pid"],
            "seconds": round(now - recording_began, 3),
            "recording_seconds": round(now - work_ended + work_began - recording_began, 3),
            "energy_j": energy.joules(),
        }
        found = {**took, **machine.resource_usage(), **machine.determinism(), **experiment, **more}
        events.append(log, {"event": "end", "stage": stage, "start": start_hash, "status": status, **found})

    work_ended = None
    try:
        yield
        work_ended = time.perf_counter()
        path = record_writing.write(root, record_start, decisions)
    except BaseException as error:
        # A full disk, or a key of the log that was removed, refuses this event as well; the first error says more.
        with suppress(OSError, BreathlineError):
            end("failed", work_ended or time.perf_counter(), **error_texts.keep(log, error))
        raise
    end("done", work_ended, record=sha256(path), **facts_of(record.read(root, stage) or {}))


def facts_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a run's end with what its record says of a test set or of a student; empty for other stages.

    The log keeps them: which results were chosen must be known also where the cache has lost the record.
    """
    stage = str(found.get("stage"))
    if stage == test_use.STAGE and (evaluated := test_use.of_record(found)):
        return {"evaluated": evaluated}
    return {"trained": seed_runs.of_record(found)} if stage.partition("@")[0] == seed_runs.GROUP else {}
