"""Parent-death watchdog: terminate a process when the parent exits, also when the parent is killed.

The parent starts it by path (`python watchdog.py PID`) in a session of its own, and holds the other end of its standard
input. It therefore imports the standard library alone.
"""

import os
import signal
import subprocess
import sys
import time

GRACE_S = 5.0


def start(pid: int) -> None:
    """Start a watchdog that ends a process when this process ends."""
    command = [sys.executable, __file__, str(pid)]
    # Its input ends with this process.
    subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - this file


def main(pid: int) -> None:
    """Wait for the end of the input, then end the process: TERM, then KILL."""
    sys.stdin.buffer.read()
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        time.sleep(GRACE_S)


if __name__ == "__main__":
    main(int(sys.argv[1]))
