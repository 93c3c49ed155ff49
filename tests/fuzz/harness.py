"""Harness of the fuzz targets: a process with limits of memory and of time for each case.

A target is a module-level function of one example that ends or raises a `BreathlineError`. Everything else is a
failure: another exception, more than 1 GB above the memory at the start, more than 10 s of CPU time or 120 s in all,
the end of the process.
"""

import multiprocessing
import os
import pickle
import resource
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.sharedctypes import SynchronizedArray
from pathlib import Path
from typing import Any

import hypothesis
import psutil
from hypothesis.strategies import SearchStrategy

from tasks.runtime.errors import BreathlineError

SECONDS = "BREATHLINE_FUZZ_SECONDS"  # environment variable: time of each target in `make test-long`
DEFAULT_SECONDS = 600.0
CASE_S = 10.0  # CPU time of a case: a busy machine does not count
WALL_S = 120.0  # time of a case that waits
MEMORY = 1 << 30  # bytes above the memory at the start
BATCH = 200  # examples with one seed of Hypothesis

Target = Callable[[Any], object]
Strategy = Callable[[], SearchStrategy[Any]]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts of a fuzz run."""

    accepted: int  # cases that the target ended without an error
    refused: int  # cases with a BreathlineError
    seconds: float
    slowest_s: float  # CPU time of the slowest case
    grown: int  # growth of the resident memory in bytes

    def __str__(self) -> str:
        return (
            f"{self.accepted + self.refused} cases in {self.seconds:.0f} s: {self.accepted} accepted, "
            f"{self.refused} refused; slowest {self.slowest_s:.2f} s of CPU time, {self.grown / 1e6:.0f} MB more memory"
        )


def seconds() -> float:
    """Return the time in seconds that a target of `make test-long` gets."""
    return float(os.environ.get(SECONDS) or DEFAULT_SECONDS)


def new_seed() -> int:
    """Return another first seed in each run, for the targets of `make test-long`."""
    return time.time_ns()


def fuzz(target: Target, strategy: Strategy, *, seconds: float, most: int | None = None, seed: int = 0) -> Tally:
    """Run a target on examples until the time is over or there are enough, and return the counts.

    Args:
        target: Module-level function of one example.
        strategy: Module-level function that returns Hypothesis' strategy of the examples.
        seconds: Time of the run, without the start of the process.
        most: Largest number of cases; None for as many as the time allows.
        seed: First seed of the examples.

    Raises:
        AssertionError: A case failed; the message holds the example, which Hypothesis has made small.
    """
    context = multiprocessing.get_context("spawn")
    # Start of the case in progress by the clock, and the CPU time of the process then; 0 between two cases.
    started = context.Array("d", [0.0, 0.0])
    with tempfile.TemporaryDirectory() as folder:
        result, example = Path(folder, "result"), Path(folder, "example")
        files = {"result": result, "example": example}
        options = {"seconds": seconds, "most": most, "seed": seed, "started": started, **files}
        child = context.Process(target=_run, args=(target, strategy), kwargs=options)
        child.start()
        slow = ""
        try:
            while child.is_alive():
                child.join(0.5)
                if slow := _limit_exceeded(child.pid, *started[:]):
                    break
        finally:
            child.kill()
            child.join()
        if not result.exists():
            last = repr(_load(example)) if example.exists() else "before the first case"
            cause = f"took more than {slow}" if slow else f"ended the process (status {child.exitcode})"
            raise AssertionError(f"The case {cause}: {last}")
        tally = _load(result)
    if isinstance(tally, str):
        raise AssertionError(tally)
    assert isinstance(tally, Tally)
    assert tally.grown <= MEMORY, f"{tally.grown} bytes more memory"
    return tally


def _limit_exceeded(pid: int | None, begun: float, cpu_begun: float) -> str:
    """Return the limit of time that a case has exceeded, or an empty text.

    Args:
        pid: Number of the process.
        begun: Start of the case by the monotonic clock in seconds; 0 without a case.
        cpu_begun: CPU time of the process at the start of the case in seconds.
    """
    if not begun:
        return ""
    if time.monotonic() - begun > WALL_S:
        return f"{WALL_S:g} s"
    with suppress(psutil.NoSuchProcess):
        used = psutil.Process(pid).cpu_times()
        if used.user + used.system - cpu_begun > CASE_S + 1:
            return f"{CASE_S:g} s of CPU time"
    return ""


def _run(
    target: Target,
    strategy: Strategy,
    *,
    seconds: float,
    most: int | None,
    seed: int,
    started: "SynchronizedArray[float]",
    result: Path,
    example: Path,
) -> None:
    """Run the target in this process, and write a tally, or the report of a failure."""
    before = _peak()
    _limit_memory()
    counts = {"accepted": 0, "refused": 0}
    slowest = 0.0

    def case(value: Any) -> None:
        nonlocal slowest
        example.write_bytes(pickle.dumps(value))  # the parent reads it if this process ends
        start = time.process_time()
        started[:] = [time.monotonic(), start]
        try:
            target(value)
            counts["accepted"] += 1
        except BreathlineError as error:
            if isinstance(error.__cause__, MemoryError):
                raise AssertionError("the case needs more than the allowed memory") from error
            counts["refused"] += 1
        finally:
            started[:] = [0.0, 0.0]
        took = time.process_time() - start
        slowest = max(slowest, took)
        assert took <= CASE_S, f"the case took {took:.1f} s of CPU time"

    options = hypothesis.settings(
        max_examples=BATCH,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    begun, ended = time.monotonic(), False
    examples = strategy()
    while not ended:

        @hypothesis.seed(seed)
        @options
        @hypothesis.given(examples)
        def batch(value: Any) -> None:
            nonlocal ended
            if time.monotonic() - begun < seconds and (most is None or sum(counts.values()) < most):
                case(value)
            else:
                ended = True

        try:
            batch()
        except BaseException as error:
            notes = "\n".join(getattr(error, "__notes__", ()))
            result.write_bytes(pickle.dumps(f"seed {seed}: {notes}\n{''.join(traceback.format_exception(error))}"))
            return
        seed += 1
    tally = Tally(**counts, seconds=time.monotonic() - begun, slowest_s=slowest, grown=_peak() - before)
    result.write_bytes(pickle.dumps(tally))


def _load(path: Path) -> Any:
    return pickle.loads(path.read_bytes())  # noqa: S301 - from the process that this one started


def _peak() -> int:
    """Return the largest resident memory so far in bytes."""
    status = Path("/proc/self/status")  # without the memory of the parent process, which getrusage counts
    if status.exists():
        return int(status.read_text(encoding="utf-8").partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _limit_memory() -> None:
    """Limit the address space to 1 GB above its present size, where the system tells it."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        size = int(statm.read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
