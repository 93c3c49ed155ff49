"""Around a stage's work: an event when it starts and one when it ends, and its record once it has ended well.

A stage that is killed has no end in the log: its start stands alone, and tells it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineage import events, machine, record, row_counts
from tasks.runtime.files import sha256


@contextmanager
def recorded(root: Path, stage: str) -> Iterator[None]:
    """Run a stage's work, and leave its events and its record.

    Args:
        root: The project.
        stage: As DVC calls it.

    Raises:
        BreathlineError: The stage is none of dvc.yaml's, or the work raised it.
    """
    energy, begun = machine.Energy(), time.perf_counter()
    start = {"stage": stage, "at": _now(), **machine.who()}
    beginning = record.begin(root, stage)
    first = events.append(root, {"event": "start", **start, **machine.hardware()})
    prepared = time.perf_counter()

    def end(status: str, worked: float, **more: Any) -> None:
        now = time.perf_counter()
        took = {
            "at": _now(),
            "seconds": round(now - begun, 3),
            "recording_seconds": round(now - worked + prepared - begun, 3),
            "energy_j": energy.joules(),
        }
        found = {**took, **machine.used(), **machine.determinism(), **more}
        events.append(root, {"event": "end", "stage": stage, "start": first, "status": status, **found})

    worked = None
    try:
        yield
        worked = time.perf_counter()
        path = record.write(root, beginning, row_counts.of(root, stage))
    except BaseException as error:
        end("failed", worked or time.perf_counter(), error=f"{type(error).__name__}: {error}")
        raise
    end("done", worked, record=sha256(path))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
