"""Processes that end with the process that started them: pools of workers, and children that run one function each.

All processes of Python functions start here; a test holds this. What a process is to do is sent as bytes, so that it
watches its parent before it imports anything slow. Ctrl-C is handled by the process that started them.
"""

import os
import pickle
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import connection, get_context
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import SimpleQueue

from tasks.runtime.error_output import for_users
from tasks.runtime.errors import BreathlineError
from tasks.runtime.parent_death import terminate_with_parent

GRACE_S = 5.0  # time for the other children to end by themselves after one has failed

# Spawned: a fork would copy the locks of running threads.
_context = get_context("spawn")


class FollowUpError(RuntimeError):
    """Failure of a child because of the failure of another one, which tells the cause."""


def pool(workers: int, set_up: Callable[[], None]) -> ProcessPoolExecutor:
    """Return a pool of processes.

    Args:
        workers: Number of processes.
        set_up: Function that each process calls first; it can be pickled.
    """
    arguments = (os.getpid(), pickle.dumps(set_up))
    return ProcessPoolExecutor(workers, _context, initializer=_begin, initargs=arguments)


def run_children(calls: Sequence[Callable[[], None]]) -> None:
    """Run functions side by side, each in a process of its own, and wait; if one fails, all others are ended.

    Args:
        calls: Functions that can be pickled.

    Raises:
        BreathlineError: The error of a function, or the way in which its process ended.
    """
    failures: SimpleQueue[BreathlineError] = _context.SimpleQueue()
    children = [_context.Process(target=_run_child, args=(os.getpid(), pickle.dumps(call), failures)) for call in calls]
    try:
        for child in children:
            child.start()
        failed = _wait(children)
    finally:
        for child in children:
            if child.is_alive():
                child.kill()
    killed = next((child for child in failed if (child.exitcode or 0) < 0), None)
    if failed and not killed and not failures.empty():
        raise failures.get()
    if failed:
        status = (killed or failed[0]).exitcode or 0
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        hint = "look for the cause in the system's log (`dmesg`); if memory ran out, end other programs"
        raise BreathlineError(f"One of {len(calls)} processes {how}.", hint=hint)


def _wait(children: Sequence[SpawnProcess]) -> list[SpawnProcess]:
    """Wait for the children to end, after a failure only for the grace period; return those that failed, in order."""
    failed: list[SpawnProcess] = []
    waiting = {child.sentinel: child for child in children}
    while waiting and (ended := connection.wait(list(waiting), timeout=GRACE_S if failed else None)):
        for child in [child for sentinel, child in waiting.items() if sentinel in ended]:
            del waiting[child.sentinel]
            child.join()
            if child.exitcode:
                failed.append(child)
    return failed


def _run_child(parent: int, call: bytes, failures: "SimpleQueue[BreathlineError]") -> None:
    """Run a function in this process, and send its error to the parent."""
    try:
        _begin(parent, call)
    except FollowUpError:
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - of any kind: the parent shows it
        failures.put(for_users(error))
        sys.exit(1)


def _begin(parent: int, call: bytes) -> None:
    """Watch the parent, then call a function."""
    terminate_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pickle.loads(call)()  # noqa: S301 - from the process that started this one
