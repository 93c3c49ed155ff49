"""Parallel map with results in the order of the items, over threads, processes or a Dask cluster.

All of them give the same bytes. So the choice is an environment variable (`BREATHLINE_TASK_RUNNER`), not a parameter:
no stage reruns when it changes. The launcher of the stage provides the map over Dask (`tasks.runtime.hooks`).
"""

import logging
import os
import pickle
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

from tasks.runtime import allocator
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
    """Return an iterator over the results of `work`, in the order of the items.

    Items are taken from `items` in the caller's thread, a few at a time, so that memory is bounded. Closing the
    iterator cancels items that have not begun, and ends all threads and processes. A `BreathlineError` of the work or
    of `items` is raised unchanged.

    Args:
        work: Function of one item; for processes and Dask a module-level function or a `partial` of one.
        items: Items; for processes and Dask they and the results are pickled.
        workers: Number of threads or processes; an existing Dask cluster has its own number.
        ahead: Number of further items in progress, so that no worker waits for the caller.
        shard: Number of items in one Dask task; a task should take some tenths of a second.

    Raises:
        BreathlineError: `BREATHLINE_TASK_RUNNER` has an unknown value, or the runner is not available.
    """
    runner = os.environ.get(RUNNER) or "threads"
    if runner == "threads":
        return _map_in_pool(ThreadPoolExecutor(workers), work, items, workers + ahead)
    if runner == "processes":
        return in_processes(work, items, workers=workers, ahead=ahead)
    name, colon, address = runner.partition(":")
    if name == "dask" and bool(colon) == bool(address):
        if hooks.dask_mapper is None:
            raise BreathlineError(
                "Dask is available only in a stage that was started by its launcher.",
                where=RUNNER,
                hint="start the stage with `dvc repro` or `breathline run`",
            )
        return hooks.dask_mapper(work, items, workers=workers, shard=shard, address=address or None)
    raise BreathlineError(f"There is no task runner `{runner}`.", where=RUNNER, hint=f"one of: {KNOWN}")


def _map_in_pool(pool: Executor, call: Callable[[Item], Result], items: Iterable[Item], limit: int) -> Mapped[Result]:
    """Yield results in order, with at most ``limit`` items in progress; shut the pool down at the end."""
    in_progress: deque[Future[Result]] = deque()
    try:
        for item in items:
            in_progress.append(pool.submit(call, item))
            if len(in_progress) == limit:
                yield in_progress.popleft().result()
        while in_progress:
            yield in_progress.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def in_processes(work: Callable[[Item], Result], items: Iterable[Item], *, workers: int, ahead: int) -> Mapped[Result]:
    """Return an iterator over the results of `work` in new processes; see `in_order`."""
    from concurrent.futures.process import BrokenProcessPool  # with multiprocessing: 5 ms of each start

    from tasks.runtime import processes

    # Pickled here, because multiprocessing passes tensors as open files, whose number is limited.
    pool = processes.pool(workers, partial(_set_up_worker, pickle.dumps(work)))
    try:
        with closing(_map_in_pool(pool, _call, map(pickle.dumps, items), workers + ahead)) as results:
            for result in results:
                yield pickle.loads(result)  # noqa: S301 - from a process of our own
    except BrokenProcessPool as error:
        raise BreathlineError(
            f"One of {workers} processes was killed by another program or by the system.",
            hint="if memory ran out, end other programs",
        ) from error


_work: Callable[[Any], Any]  # the work of this process of the pool


def _set_up_worker(work: bytes) -> None:
    global _work  # noqa: PLW0603 - an initializer can pass nothing else
    start_process(logging.INFO)
    allocator.keep_freed_memory()  # as in the stages, whose settings a new process does not have
    _work = pickle.loads(work)  # noqa: S301 - from the process that started this one


def _call(item: bytes) -> bytes:
    return pickle.dumps(_work(pickle.loads(item)))  # noqa: S301 - from the same process
