"""Recording of a stage's run: a start and an end event, and the record after success.

A stage that is killed has a start event without an end event.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lineage import events, machine, record
from tasks.runtime.files import sha256


@contextmanager
def recorded(root: Path, stage: str, decisions: Mapping[str, Any]) -> Iterator[None]:
    """Run a stage's work, which fills its decisions, and write its events and its record.

    Raises:
        BreathlineError: dvc.yaml does not have the stage, or the work raised the error.
    """
    energy, begun = machine.Energy(), time.perf_counter()
    start = {"stage": stage, "at": events.now(), **machine.identity()}
    beginning = record.begin(root, stage)
    first = events.append(root, {"event": "start", **start, **machine.hardware()})
    prepared = time.perf_counter()

    def end(status: str, worked: float, **more: Any) -> None:
        now = time.perf_counter()
        took = {
            "at": events.now(),
            "seconds": round(now - begun, 3),
            "recording_seconds": round(now - worked + prepared - begun, 3),
            "energy_j": energy.joules(),
        }
        found = {**took, **machine.resource_usage(), **machine.determinism(), **more}
        events.append(root, {"event": "end", "stage": stage, "start": first, "status": status, **found})

    worked = None
    try:
        yield
        worked = time.perf_counter()
        path = record.write(root, beginning, decisions)
    except BaseException as error:
        end("failed", worked or time.perf_counter(), error=f"{type(error).__name__}: {error}")
        raise
    end("done", worked, record=sha256(path))
