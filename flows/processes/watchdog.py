"""Ends a process when the one that holds this one's standard input is gone, however it went.

Started by its path (`python leash.py PID`) in a session of its own, so it imports the standard library alone.
"""

from __future__ import annotations

import os
import signal
import sys
import time

GRACE_S = 5.0


def main(pid: int) -> None:
    """Wait for the end of the input, then end the process: TERM, and KILL if it does not go."""
    sys.stdin.buffer.read()
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        time.sleep(GRACE_S)


if __name__ == "__main__":
    main(int(sys.argv[1]))
