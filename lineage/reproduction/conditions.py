"""Differences of packages and hardware between a recorded run and this process, in words."""

from collections.abc import Iterator
from pathlib import Path

from lineage import code, environment, events, machine, record
from lineage.reproduction.recorded_run import RecordedRun
from tasks.runtime.files import sha256

UNKNOWN = "the hardware of the run is not in the event log"


def of_packages(run: RecordedRun, folder: Path) -> Iterator[str]:
    """Yield differences of Python, the lock file and the packages that it pins; ``folder`` has the code of the run."""
    now = code.environment(folder)
    for where, what in environment.differences(run.record["environment"], now, environment.pinned(folder)):
        yield f"{where}: {what}"


def of_hardware(run: RecordedRun) -> Iterator[str]:
    """Yield differences of processor and GPUs, or that those of the run are unknown."""
    digest = sha256(run.folder / record.path_of(run.stage))
    log = run.evidence.events
    ended = [entry for entry in log if (entry.get("stage"), entry.get("record")) == (run.stage, digest)]
    then = events.start_of(log, ended[-1]) if ended else {}
    if "cpu" not in then:
        yield UNKNOWN
        return
    now = machine.hardware()
    if not machine.same_processor(str(then["cpu"]), now["cpu"]):
        yield f"processor: {then['cpu']} → {now['cpu']}"
    before, after = ([gpu.get("name") for gpu in found.get("gpus", [])] for found in (then, now))
    if before != after:
        yield f"GPUs: {', '.join(map(str, before)) or 'none'} → {', '.join(map(str, after)) or 'none'}"
