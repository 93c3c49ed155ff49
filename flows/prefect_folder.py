"""Folder in which Prefect keeps its database and settings, checked before a server starts."""

import os
import tempfile
from pathlib import Path

from tasks.runtime.errors import BreathlineError

HOME = "PREFECT_HOME"


def check() -> None:
    """Check that Prefect can write its folder: `PREFECT_HOME`, or ``.prefect`` in the user's own folder.

    Raises:
        BreathlineError: The folder cannot be made or written; Prefect's server would end with a traceback.
    """
    folder = Path(os.environ.get(HOME) or "~/.prefect")
    try:
        folder = folder.expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except (OSError, RuntimeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise BreathlineError(
            f"Prefect cannot write into its folder: {reason.rstrip('.')}.",
            where=folder,
            hint=f"set {HOME} to a folder that you can write; `dvc repro` needs none",
        ) from error
