"""Limit of the time of a call into a library that has none of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def call(function: Callable[[], Result], seconds: float) -> Result:
    """Return the result of a function, which runs in a thread of its own.

    After the limit, the thread continues without effect, and ends with the process at the latest.

    Args:
        function: Function without arguments.
        seconds: Longest time to wait, in seconds.

    Raises:
        TimeoutError: The function has not returned within the limit.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except Exception as error:  # noqa: BLE001  # it is raised below
            future.set_exception(error)

    threading.Thread(target=run, daemon=True, name="time-limit").start()
    return future.result(timeout=seconds)
