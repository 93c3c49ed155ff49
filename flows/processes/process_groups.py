"""Ends process groups: asked twice, then killed."""

from __future__ import annotations

import os
import signal
import time

import psutil


def end_groups(groups: set[int], grace_s: float) -> None:
    """End all processes of some groups; return when none is left.

    Args:
        groups: The groups' ids.
        grace_s: How long they may take after INT, and again after TERM, in seconds; then they are killed.
    """
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            if not _signal(groups, number):
                return
            deadline = time.monotonic() + grace_s
            while _alive(groups):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.05)
            else:
                return
    finally:
        # Also when a second Ctrl-C cuts the grace short.
        _signal(groups, signal.SIGKILL)


def _signal(groups: set[int], number: signal.Signals) -> bool:
    """Signal those of the groups that live, and return whether any does."""
    alive = _alive(groups)
    for group in alive:
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            continue
    return bool(alive)


def _alive(groups: set[int]) -> set[int]:
    """Return the groups with a process that is more than a zombie."""
    alive = set()
    for process in psutil.process_iter():
        try:
            group = os.getpgid(process.pid)
            if group in groups and process.status() != psutil.STATUS_ZOMBIE:
                alive.add(group)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return alive
