"""Event logs of the project and its workspaces, which share one DVC cache.

DVC's run-cache copies the outs of a run in one of these folders (`.leaderboard/`, `.backfill/`) to the others.
"""

from collections.abc import Iterator
from pathlib import Path

from lineage import events
from lineage.git import origin

FOLDERS = (".leaderboard", ".backfill")


def folder_with(root: Path, stage: str, digest: str) -> Path | None:
    """Return the folder whose intact log ends a stage with the record of a SHA-256, or None.

    The log of the project or workspace itself is not searched.
    """
    for folder in others(root):
        ended = filter(events.is_success, events.read_or_empty(folder))
        if any((entry["stage"], entry["record"]) == (stage, digest) for entry in ended) and not events.check(folder):
            return folder
    return None


def others(root: Path) -> Iterator[Path]:
    """Yield the other folders that have a log: the project, and the workspaces beside the given one.

    A temporary experiment of DVC has no log of its own: its entries are in that of the project.
    """
    root = root.resolve()
    copied = origin(root)
    home = Path(copied["project"]) if copied else events.home(root)
    for folder in (home, *(path for name in FOLDERS for path in sorted((home / name).glob("*")))):
        if folder != root and (folder / events.LOG).is_file():
            yield folder
