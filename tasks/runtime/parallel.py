"""Work on many items at once, its results in the items' order: over threads, processes or a Dask cluster.

The outs are the same bytes with each of them. So the choice is no parameter but an environment variable
(`BREATHLINE_TASK_RUNNER`), and nothing reruns when it changes. The map over Dask is provided by the launcher of the
stage (`tasks.runtime.hooks`).
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from typing import Any, TypeVar

from tasks.runtime.errors import BreathlineError
from tasks.runtime.hooks import hooks
from tasks.runtime.stage import start_process

RUNNER = "BREATHLINE_TASK_RUNNER"
KNOWN = "threads (the default), processes, dask, or dask:<address of a scheduler>"

Item = TypeVar("Item")
Result = TypeVar("Result")
Mapped = Generator[Result, None, None]


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int, ahead: int, shard: int
) -> Mapped[Result]:
    """Return an iterator over what `work` makes of each item, in the order of the items.

    Items are taken from `items` as there is room for them, in the caller's thread; so memory is bounded however many
    there are. Close the iterator to end early: what has not begun never will, and nothing is left running. A
    `BreathlineError` of the work, or of `items`, arrives as it was raised.

    Args:
        work: For processes and Dask a function of a module, or a `partial` of one; it, items and results are pickled.
        items: What there is to do.
        workers: How many threads or processes; a Dask cluster that is there already has its own number.
        ahead: How many more items are under way, so that no worker waits for the caller.
        shard: How many items make one task for Dask: enough for some tenths of a second.

    Raises:
        BreathlineError: `BREATHLINE_TASK_RUNNER` is none of those known, or what it names is not to be had.
    """
    runner = os.environ.get(RUNNER) or "threads"
    if runner == "threads":
        return _through(ThreadPoolExecutor(workers), work, items, workers + ahead)
    if runner == "processes":
        return _over_processes(work, items, workers, workers + ahead)
    name, colon, address = runner.partition(":")
    if name == "dask" and bool(colon) == bool(address):
        if hooks.dask_mapper is None:
            raise BreathlineError(
                "Dask is available only to a stage that its launcher started.",
                where=RUNNER,
                hint="start the stage with `dvc repro` or `breathline run`",
            )
        return hooks.dask_mapper(work, items, workers=workers, shard=shard, address=address or None)
    raise BreathlineError(f"There is no task runner `{runner}`.", where=RUNNER, hint=f"one of: {KNOWN}")


def usable_cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _through(pool: Executor, call: Callable[[Item], Result], items: Iterable[Item], most: int) -> Mapped[Result]:
    """Yield results in order, with at most so many items under way; the pool ends with it."""
    under_way: deque[Future[Result]] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(call, item))
            if len(under_way) == most:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _over_processes(work: Callable[[Item], Result], items: Iterable[Item], workers: int, most: int) -> Mapped[Result]:
    # Spawned, for a fork would copy locks that other threads hold. Pickled here, for multiprocessing's own pickling
    # hands tensors over as open files, of which a process may have but so many.
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(pickle.dumps(work),)
    )
    try:
        with closing(_through(pool, _call, map(pickle.dumps, items), most)) as results:
            for result in results:
                yield pickle.loads(result)  # noqa: S301 - from a process of our own
    except BrokenProcessPool as error:
        raise BreathlineError(
            f"One of {workers} processes was ended from outside.",
            where=f"{RUNNER}=processes",
            hint="if memory ran out: with threads less of it is needed",
        ) from error


_work: Callable[[Any], Any]  # of a process of the pool


def _begin(work: bytes) -> None:
    """Be a process of the pool: it ends with the stage, and leaves Ctrl-C to it."""
    global _work  # noqa: PLW0603 - an initializer has no other way
    start_process(logging.INFO)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _work = pickle.loads(work)  # noqa: S301 - from the process that started this one


def _call(item: bytes) -> bytes:
    return pickle.dumps(_work(pickle.loads(item)))  # noqa: S301
