"""Start of one training in one or several processes."""

import logging
import multiprocessing
from collections.abc import Callable
from functools import partial
from multiprocessing.queues import SimpleQueue
from typing import Any

from models.training import distributed
from models.training.distributed import ProcessGroup
from models.training.settings import ComputeSettings
from tasks.runtime.error_output import for_users
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import start_process
from tasks.training.torch_setup import as_breathline_error


def run_in_processes(work: Callable[..., None], *args: Any, compute: ComputeSettings, **kwargs: Any) -> None:
    """Call ``work(*args, compute=compute, group=…, **kwargs)`` in each process of a group, and wait for all.

    The processes are started here, unless torchrun started them. If one fails or is killed, all end.

    Args:
        work: Module-level function; its arguments can be pickled.
        args: Positional arguments of ``work``.
        compute: Number of processes, and their device.
        kwargs: Keyword arguments of ``work``.

    Raises:
        BreathlineError: The error of a process, or the way in which a process ended.
    """
    call = partial(work, *args, compute=compute, **kwargs)
    if compute.processes == 1 or distributed.started_by_torchrun():
        with distributed.torchrun_group(compute) as group:
            call(group=group)
        return
    with as_breathline_error(where="params.yaml: compute.processes"):
        distributed.check_processes(compute)
    failures: SimpleQueue[BreathlineError] = multiprocessing.get_context("spawn").SimpleQueue()
    try:
        distributed.launch(partial(_member, call, failures), compute)
    except RuntimeError as error:
        if failures.empty():
            raise BreathlineError(f"One of {compute.processes} processes ended the training. {error}") from error
        raise failures.get() from error


def _member(call: Callable[..., None], failures: SimpleQueue[BreathlineError], group: ProcessGroup) -> None:
    """Run the work in one process of the group; pass an error to the process that shows it."""
    start_process(logging.INFO if group.is_main else logging.WARNING)
    try:
        call(group=group)
    except Exception as error:  # of any kind: torch would put its traceback into a message
        failures.put(for_users(error))
        raise
