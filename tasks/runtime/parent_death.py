"""Termination of a process when its parent exits. Standard library only, so that it can come before slow imports."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def terminate_with_parent() -> None:
    """Ask Linux to send SIGTERM to this process when its parent exits."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # the parent exited before the request
            os.kill(os.getpid(), signal.SIGTERM)
