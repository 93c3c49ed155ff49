"""Event logs of the project and its workspaces, which share one DVC cache.

DVC's run-cache copies the outs of a run in one of these folders (`.leaderboard/`, `.backfill/`) to the others.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lineage import events, log_order, log_signature
from lineage.git import origin
from lineage.log_lines import Entry
from lineage.log_signature import Keys

FOLDERS = (".leaderboard", ".backfill")
Runs = dict[tuple[str, str], Path]  # folder whose log ends a stage with a record, by stage and SHA-256 of the record


def runs(root: Path, keys: Keys | None = None) -> Runs:
    """Return the folder of each successful run in the logs of other folders, without those logs that have a fault.

    The log of the project or workspace itself is not read.

    Args:
        root: Root of the project or workspace.
        keys: Public keys of all who may sign; a log without their signatures does not count. None for any log.
    """
    found: Runs = {}
    for folder, entries in faultless(root, keys):
        for entry in filter(events.is_success, entries):
            found.setdefault((str(entry.get("stage")), str(entry.get("record"))), folder)
    return found


def faultless(root: Path, keys: Keys | None = None) -> Iterator[tuple[Path, Sequence[Entry]]]:
    """Yield the other folders whose logs have no fault, with their entries; arguments as in `runs`."""
    for folder in others(root):
        log = events.load(folder)
        if log.faults or log_order.contradictions(log.entries, complete=True):
            continue
        if not keys or not log_signature.faults(log.entries, keys):
            yield folder, events.usable(log.entries)


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
