"""Tables of cycles and recordings that exports describe."""

from __future__ import annotations

from pathlib import Path

from lineage.project import Project
from tasks import artifacts
from tasks.runtime.errors import BreathlineError


def require_cycles(project: Project) -> None:
    """Raise an error unless the project has a record of `extract`."""
    if "extract" not in project.records:
        raise BreathlineError(
            "There are no cycles yet.", where=project.root / artifacts.EXTRACTED, hint="`breathline run`"
        )


def existing(project: Project, path: str | Path) -> Path:
    """Return the file of a recorded table.

    Raises:
        BreathlineError: The file is missing.
    """
    file = project.root / path
    if not file.is_file():
        raise BreathlineError("A recorded table is missing.", where=path, hint="`dvc pull`, or `dvc repro`")
    return file
