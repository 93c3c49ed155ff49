"""Paths that a user gives, relative to the project."""

import os
from pathlib import Path

# DVC's variable with the project: during `dvc exp run --temp`, that in which the command was given.
PROJECT = "DVC_ROOT"


def resolve(path: Path) -> Path:
    """Return a path that is valid in the working directory.

    `dvc exp run --temp` runs stages in a copy of the project, which lacks files that neither Git nor DVC knows. A
    relative path that is missing there is taken from the project itself.
    """
    project = os.environ.get(PROJECT)
    elsewhere = Path(project) / path if project else path
    return elsewhere if not path.exists() and elsewhere.exists() else path
