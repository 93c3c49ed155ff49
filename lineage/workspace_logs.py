"""Event logs of the project and its workspaces, which share one DVC cache.

DVC's run-cache copies the outs of a run in one of these folders (`.leaderboard/`, `.backfill/`) to the others.
"""

from collections.abc import Iterator
from pathlib import Path

from lineage import events
from lineage.git import origin

FOLDERS = (".leaderboard", ".backfill")
Runs = dict[tuple[str, str], Path]  # folder whose log ends a stage with a record, by stage and SHA-256 of the record


def runs(root: Path) -> Runs:
    """Return the folder of each successful run in the intact logs of other folders.

    The log of the project or workspace itself is not read.
    """
    found: Runs = {}
    for folder in others(root):
        log = events.load(folder)
        ended = filter(events.is_success, [] if log.faults else log.entries)
        for entry in ended:
            found.setdefault((str(entry.get("stage")), str(entry.get("record"))), folder)
    return found


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
