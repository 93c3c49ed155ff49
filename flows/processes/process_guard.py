"""Runs one command, and ends the whole process group when the flow that started it dies.

Started by its path (`python guard.py [--told] COMMAND…`) as the leader of a new session, so it imports the standard
library alone. Its standard input is a pipe whose other end only the flow holds: however the flow ends, the pipe closes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

GRACE_S = 5.0
TOLD = "--told"


def main(command: list[str], *, told: bool) -> int:
    """Return the command's exit status, as a shell gives it.

    Args:
        command: What to run.
        told: Whether the command reads one line of its standard input: the first of this process's own.
    """
    # The flow signals the group, this process with it; it has to outlive the command. A handler, not SIG_IGN: what is
    # ignored would stay ignored in the command.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    process = subprocess.Popen(command, stdin=subprocess.PIPE if told else subprocess.DEVNULL)
    if process.stdin:
        # One that has died tells by its status.
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
    sys.exit(main([word for word in sys.argv[1:] if word != TOLD], told=sys.argv[1:2] == [TOLD]))
