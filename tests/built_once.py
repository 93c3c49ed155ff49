"""Folders that the first test process of a session builds, and all its processes read."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def build_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """Return a folder after one process of the session has built it.

    Args:
        factory: Factory of the temporary folders of this process.
        name: Name of the folder, of its own among all.
        build: Function that builds the project in a folder that is not there yet.
    """
    base = factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"shared-{name}"
    shared.mkdir(exist_ok=True)
    project, built = shared / "project", shared / "built"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            build(project)
            built.touch()
    return project
