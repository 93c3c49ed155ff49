"""Runs one command, and ends the whole process group when the flow that started it dies.

Started by its path (`python guard.py COMMAND…`) as the leader of a new session, so it imports the standard library
alone. Its standard input is a pipe whose other end only the flow holds: however the flow ends, the pipe closes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

GRACE_S = 5.0


def main(command: list[str]) -> int:
    """Return the command's exit status, as a shell gives it."""
    # The flow signals the group, this process with it; it has to outlive the command. A handler, not SIG_IGN: what is
    # ignored would stay ignored in the command.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_watch, daemon=True).start()
    status = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    return status if status >= 0 else 128 - status


def _watch() -> None:
    """Wait until the flow closes its end of the pipe, then end the group: INT, TERM, KILL."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        os.killpg(0, number)
        time.sleep(GRACE_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
