"""Termination of a process when its parent exits. Standard library only, so that it can come before slow imports.

Linux sends the signal itself (prctl). Where prctl is missing, a thread compares the parent at intervals. The same
thread watches DVC behind a shell: some shells (dash) stay between DVC and its stage, and outlive DVC.
"""

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
POLL_S = 0.5  # interval of the comparison
GRACE_S = 5.0  # time between TERM and KILL
SHELLS = frozenset({"sh", "ash", "bash", "busybox", "dash", "fish", "ksh", "zsh"})

_watched = 0  # id of the process that is watched: this one, or none yet


def terminate_with_parent(parent: int | None = None) -> None:
    """End this process when its parent exits, also if the parent is killed; further calls do nothing.

    Args:
        parent: Id of the process that started this one, so that an exit before this call is noticed; None if unknown.
    """
    global _watched  # noqa: PLW0603 - a fact about the process
    if _watched == os.getpid():
        return
    _watched = os.getpid()
    expected = os.getppid() if parent is None else parent
    by_dvc = parent is None and "DVC_STAGE" in os.environ
    signalled = _signalled_by_linux()
    if not signalled or by_dvc:
        arguments = (expected, by_dvc, signalled)
        threading.Thread(target=_watch, args=arguments, daemon=True, name="parent-death").start()
    if os.getppid() != expected or (by_dvc and _is_elsewhere(expected)):
        os.kill(os.getpid(), signal.SIGTERM)


def _signalled_by_linux() -> bool:
    """Ask Linux to send SIGTERM to this process when its parent exits; return whether it will."""
    if sys.platform != "linux":
        return False
    try:
        return bool(ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM) == 0)
    except (AttributeError, OSError):
        return False


def _watch(parent: int, by_dvc: bool, signalled: bool) -> None:
    """Wait until the parent, or DVC behind a shell, has exited; then end this process.

    Args:
        parent: Id of the parent.
        by_dvc: Whether DVC started this process, directly or by a shell.
        signalled: Whether Linux sends a signal when the parent exits.
    """
    shell = by_dvc and _name_of(parent) in SHELLS
    dvc = _parent_of(parent) if shell else None
    if signalled and not shell:
        return
    if not (shell and (dvc is None or _is_elsewhere(dvc))):
        while os.getppid() == parent and (dvc is None or _parent_of(parent) == dvc):
            time.sleep(POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)


def _is_elsewhere(parent: int) -> bool:
    """Return whether a parent is not the process that started this one.

    DVC and its stages are in one session. An orphan gets the system's first process as its parent, which is in another.
    """
    if parent == 0 or os.getsid(0) == os.getpid():
        return False  # the parent is outside of this container, or started this process in a session of its own
    try:
        return os.getsid(parent) != os.getsid(0)
    except OSError:
        return True


def _name_of(process: int) -> str | None:
    """Return the name of a process's program, or None if the process has exited."""
    import psutil

    try:
        return psutil.Process(process).name()
    except psutil.Error:
        return None


def _parent_of(process: int) -> int | None:
    """Return the id of a process's parent, or None if the process has exited."""
    import psutil

    try:
        return psutil.Process(process).ppid()
    except psutil.Error:
        return None
