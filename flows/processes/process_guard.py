"""Guard of one command: the whole process group ends when the flow that started it dies.

A flow starts it by path (`python process_guard.py [--forward-line] COMMAND…`), as the leader of a new session. It
therefore imports the standard library alone. Only the flow holds the other end of its standard input, a pipe: however
the flow ends, the pipe closes.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

GRACE_S = 5.0
FORWARD_LINE = "--forward-line"


def main(command: list[str], *, forward_line: bool) -> int:
    """Run a command and return its exit status, as a shell gives it.

    With `forward_line`, the command gets the first line of this process's standard input as its own input.
    """
    # The flow signals the whole group; this process has to outlive the command. A handler, not SIG_IGN: a command
    # inherits ignored signals.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    source = subprocess.PIPE if forward_line else subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=source)  # noqa: S603 - the command that the parent process guards
    if process.stdin:
        # A command that has died reports it by its status.
        with suppress(BrokenPipeError), process.stdin as line:
            line.write(sys.stdin.buffer.readline())
    threading.Thread(target=_watch, daemon=True).start()
    status = process.wait()
    return status if status >= 0 else 128 - status


def _watch() -> None:
    """Wait until the flow closes its end of the pipe, then end the group: INT, TERM, KILL."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        os.killpg(0, number)
        time.sleep(GRACE_S)


if __name__ == "__main__":
    forward = sys.argv[1:2] == [FORWARD_LINE]
    sys.exit(main(sys.argv[2 if forward else 1 :], forward_line=forward))
