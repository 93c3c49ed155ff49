"""Start of one training in one or several processes."""

import logging
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from models.training import distributed
from models.training.distributed import JoinError, MainProcessError, ProcessGroup
from models.training.settings import ComputeSettings
from tasks.runtime import launcher, processes
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import start_process
from tasks.training.torch_setup import as_breathline_error

T = TypeVar("T")
JOIN_TIMEOUT = "BREATHLINE_JOIN_TIMEOUT_S"
log = logging.getLogger(__name__)


def run_in_processes(work: Callable[..., T], *args: Any, compute: ComputeSettings, **kwargs: Any) -> T | None:
    """Call ``work(*args, compute=compute, group=…, **kwargs)`` in each process of a group, and wait for all.

    The processes are started here, unless torchrun started them. If one fails or is killed, all end.

    Args:
        work: Module-level function; its arguments can be pickled.
        args: Positional arguments of ``work``.
        compute: Number of processes, and their device.
        kwargs: Keyword arguments of ``work``.

    Returns:
        Result of ``work`` in a single process; None in several.

    Raises:
        BreathlineError: The error of a process, or the way in which a process ended.
    """
    call = partial(work, *args, compute=compute, **kwargs)
    if (note := launcher.describe_leftovers()) is not None:
        log.warning("%s", note)
    here = launcher.place()
    if here.size > 1:
        try:
            with _join_errors():
                if here.rank or os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":
                    _await_first_process()
                _join(partial(_call, call), compute, init_method="env://", **vars(here))
        except MainProcessError as error:
            raise BreathlineError(str(error), hint="see the message of the process with RANK=0") from error
    elif compute.processes == 1:
        return call(group=ProcessGroup())
    else:
        with as_breathline_error(where="params.yaml: compute.processes"):
            distributed.check_processes(compute)
        launch(partial(_call, call), compute)
    return None


def launch(work: Callable[[ProcessGroup], None], compute: ComputeSettings) -> None:
    """Run a function in ``compute.processes`` new processes and wait for them; if one fails, all are ended.

    Args:
        work: Function that can be pickled: one of a module, or a `partial` of one.
        compute: Number of processes and device.

    Raises:
        BreathlineError: The error of a process, or the way in which a process ended.
    """
    with tempfile.TemporaryDirectory(prefix="breathline-") as folder:
        address = (Path(folder) / "rendezvous").as_uri()
        size = compute.processes
        join = partial(_join_new, work, compute, init_method=address, size=size)
        processes.run_children([partial(join, rank=rank) for rank in range(size)])


def _join_new(work: Callable[[ProcessGroup], None], compute: ComputeSettings, *, rank: int, **address: Any) -> None:
    """Set up a new process, and join the group."""
    start_process(logging.INFO if rank == 0 else logging.WARNING)
    try:
        with _join_errors():
            _join(work, compute, rank=rank, **address)
    except MainProcessError as error:
        raise processes.FollowUpError(str(error)) from error


def _join(work: Callable[[ProcessGroup], None], compute: ComputeSettings, **place: Any) -> None:
    """Join the process group, and call the function."""
    with distributed.process_group(compute, join_timeout=_join_timeout(), **place) as group:
        work(group)


def _await_first_process() -> None:
    """Wait until the first process, or its launcher, answers at its address.

    Otherwise torch would wait by itself, and print a trace of its own calls at the end.

    Raises:
        JoinError: Nobody has answered in time.
    """
    address, port = os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"]
    limit = _join_timeout().total_seconds()
    deadline = time.monotonic() + limit
    while True:
        try:
            with socket.create_connection((address, port), timeout=limit):
                return
        except OSError as error:
            if time.monotonic() > deadline:
                what = f"The first process of the training does not answer within {limit:g} s at {address}:{port}"
                raise JoinError(f"{what}: {error.strerror or error}.") from error
        time.sleep(min(0.2, limit))


@contextmanager
def _join_errors() -> Iterator[None]:
    """Raise a `JoinError` as a `BreathlineError` that names the variables of torchrun."""
    try:
        yield
    except JoinError as error:
        found = launcher.describe()
        hint = f"start all processes; {JOIN_TIMEOUT} sets the time to wait in seconds"
        if found:
            hint = f"start the training with torchrun, or `unset {' '.join(launcher.VARIABLES)}`; or {hint}"
        raise BreathlineError(str(error), where=found or "compute.processes", hint=hint) from error


def _call(call: Callable[..., object], group: ProcessGroup) -> None:
    call(group=group)


def _join_timeout() -> timedelta:
    """Return the longest wait for the other processes."""
    given = os.environ.get(JOIN_TIMEOUT)
    if not given:
        return distributed.JOIN_TIMEOUT
    try:
        seconds = float(given)
        if not 0 < seconds < 1e6:
            raise ValueError
    except ValueError:
        where = f"{JOIN_TIMEOUT}={given}"
        raise BreathlineError("The time to wait is no number of seconds.", where=where, hint="use 600") from None
    return timedelta(seconds=seconds)
