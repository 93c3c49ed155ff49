"""Batches of segments of several requests: one thread runs the engine for all of them.

The thread takes all segments that wait when it is free. A request alone does not wait for others, and requests at the
same time share a run.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.serving.problems import RequestError

BATCH = 32  # largest number of segments of a run, unless one request alone has more
Waveforms = Sequence[npt.NDArray[np.float32]]


@dataclass
class Ticket:
    """Time and cancellation of one request.

    Attributes:
        timeout_s: Time in seconds from the creation of the ticket.
        cancelled: Set when the client is gone.
    """

    timeout_s: float
    cancelled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._end = time.monotonic() + self.timeout_s

    def remaining(self) -> float:
        """Return the time that is left, in seconds.

        Raises:
            RequestError: No time is left, or the client is gone.
        """
        left = self._end - time.monotonic()
        if left <= 0 or self.cancelled.is_set():
            raise self.overdue()
        return left

    def check(self) -> None:
        """Check that there is time left.

        Raises:
            RequestError: No time is left, or the client is gone.
        """
        self.remaining()

    def overdue(self) -> RequestError:
        """Return the problem of a prediction that takes too long."""
        what = f"The prediction took longer than {self.timeout_s:g} s."
        hint = "try again later, or send a shorter recording"
        return RequestError(503, what, hint=hint, headers={"Retry-After": "5"})


@dataclass
class _Job:
    waveforms: Waveforms
    offsets: Any  # offsets of the features, one row a segment; None without
    ticket: Ticket
    done: Future[Any] = field(default_factory=Future)


class Batcher:
    """Thread that runs an engine for the segments of all requests.

    Args:
        run: Function of the engine from waveforms and offsets to a dataclass of arrays, one row a segment.
        observe: Function that is called with the number of segments of each run.
    """

    def __init__(self, run: Callable[[Waveforms, Any], Any], observe: Callable[[int], None] = lambda _: None) -> None:
        self._run, self._observe = run, observe
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    def run(self, waveforms: Waveforms, offsets: Any, ticket: Ticket) -> Any:
        """Return the outputs of the engine for the segments of one request.

        Raises:
            RequestError: The time of the request is over, or its client is gone.
        """
        left = ticket.remaining()
        job = _Job(waveforms, offsets, ticket)
        self._jobs.put(job)
        try:
            return job.done.result(left)
        except FutureTimeoutError:
            ticket.cancelled.set()  # the thread leaves the job out
            raise ticket.overdue() from None

    def is_alive(self) -> bool:
        """Return whether the thread runs."""
        return self._thread.is_alive()

    def close(self) -> None:
        """End the thread after the run that it is at."""
        self._jobs.put(None)
        self._thread.join(10)

    def _work(self) -> None:
        """Run what waits, until `close` puts None into the queue."""
        waiting = self._jobs.get()
        while waiting is not None:
            jobs, waiting = self._together(waiting)
            for job in jobs:
                if job.ticket.cancelled.is_set():
                    job.done.set_exception(job.ticket.overdue())
            self._run_jobs([job for job in jobs if not job.done.done()])
            if waiting is jobs[0]:
                waiting = self._jobs.get()

    def _together(self, first: _Job) -> tuple[list[_Job], _Job | None]:
        """Return the jobs of the next run, and the job after them: the first one again if none waits."""
        jobs, count = [first], len(first.waveforms)
        while count < BATCH:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, first
            if job is None or count + len(job.waveforms) > BATCH or (job.offsets is None) != (first.offsets is None):
                return jobs, job
            jobs.append(job)
            count += len(job.waveforms)
        return jobs, first

    def _run_jobs(self, jobs: list[_Job]) -> None:
        """Run the engine for several jobs at once; if that fails, for each alone, so that only the faulty one fails."""
        if not jobs:
            return
        try:
            waveforms = [one for job in jobs for one in job.waveforms]
            offsets = None if jobs[0].offsets is None else np.concatenate([job.offsets for job in jobs])
            self._observe(len(waveforms))
            outputs = self._run(waveforms, offsets)
        except Exception as error:  # noqa: BLE001 - whatever an engine raises is the answer of its request
            if len(jobs) == 1:
                jobs[0].done.set_exception(error)
            else:
                for job in jobs:
                    self._run_jobs([job])
            return
        start = 0
        for job in jobs:
            job.done.set_result(_rows(outputs, start, start + len(job.waveforms)))
            start += len(job.waveforms)


def _rows(outputs: Any, start: int, end: int) -> Any:
    """Return the rows of a dataclass of arrays."""
    values = {one.name: getattr(outputs, one.name) for one in fields(outputs)}
    return replace(outputs, **{name: value if value is None else value[start:end] for name, value in values.items()})
