"""Lock of a project: one run at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from flows import code_tree, write_access
from tasks.runtime.errors import BreathlineError


@contextmanager
def exclusive_run(root: Path, *, runs_stages: bool = True) -> Iterator[None]:
    """Lock a project, or a folder of workspaces, for one run; a second run raises an error.

    Args:
        root: Folder of the project or of the workspaces.
        runs_stages: Whether stages will run, so that this process must run the code that they run.

    Raises:
        BreathlineError: Another run is in progress, this process is part of a stage or runs the code of another folder,
            or the user may not write here.
    """
    if "DVC_STAGE" in os.environ:
        raise BreathlineError(
            "A run cannot start inside a stage.",
            where=f"DVC_STAGE={os.environ['DVC_STAGE']}",
            hint="start it from a shell of your own, not from a stage's command",
        )
    if runs_stages:
        code_tree.check(root)
    write_access.check(root)
    lock = FileLock(root.resolve() / ".locks" / "run.lock")
    (root / ".locks").mkdir(parents=True, exist_ok=True)
    try:
        held = lock.acquire(timeout=0)
    except Timeout as error:
        raise BreathlineError(
            "Another `breathline run` is in progress in this project.",
            where=lock.lock_file,
            hint="wait until it has ended",
        ) from error
    with held:
        yield
