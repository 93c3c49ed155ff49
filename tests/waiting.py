"""Waiting for a condition, for tests of processes and servers."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], seconds: float = 60.0, pause_s: float = 0.02) -> None:
    """Wait until a condition holds, and fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(pause_s)
