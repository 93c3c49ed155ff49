"""Other folders on the same DVC cache, whose event logs may hold a run that DVC's run-cache brought here.

They are the project and its workspaces (`.leaderboard/`, `.backfill/`): what one of them has made, the others get
without running it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lineage import events, git

FOLDERS = (".leaderboard", ".backfill")


def folder_with(root: Path, stage: str, digest: str) -> Path | None:
    """Return the folder whose log, whole from its first entry to its last, ends a stage with a record; or none.

    Args:
        root: The project or workspace that asks; its own log is not looked at.
        stage: As DVC calls it.
        digest: The SHA-256 of the record.
    """
    for folder in _others(root.resolve()):
        try:
            entries = events.read(folder)
        except ValueError:
            continue
        ended = (entry for entry in entries if entry.get("event") == "end" and entry.get("status") == "done")
        if any((entry["stage"], entry["record"]) == (stage, digest) for entry in ended) and not events.check(folder):
            return folder
    return None


def _others(root: Path) -> Iterator[Path]:
    origin = git.origin(root)
    home = Path(origin["project"]) if origin else root
    for folder in (home, *(path for name in FOLDERS for path in sorted((home / name).glob("*")))):
        if folder != root and (folder / events.LOG).is_file():
            yield folder
