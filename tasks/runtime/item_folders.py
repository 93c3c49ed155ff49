"""Folders with one sub-folder for each item of params.yaml."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from tasks.runtime.errors import BreathlineError


def check(folder: Path, named: Iterable[str], what: str) -> None:
    """Refuse sub-folders that params.yaml does not name: DVC would read them as inputs.

    Args:
        folder: Folder of the items.
        named: Names of the items of params.yaml.
        what: Name of the items for the message, in the plural.

    Raises:
        BreathlineError: There is a folder of another item.
    """
    known = set(named)
    unknown = sorted(path.name for path in folder.glob("*/") if path.name not in known)
    if unknown:
        raise BreathlineError(
            f"{what} that params.yaml does not name: {', '.join(unknown)}.",
            where=folder,
            hint=f"remove them: {shlex.join(['rm', '-r', *(str(folder / name) for name in unknown)])}",
        )
