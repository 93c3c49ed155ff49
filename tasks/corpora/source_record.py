"""Source record: a JSON metadata file with the facts that folders and names of the source give, and the label settings.

`download` copies all recordings into one folder and names them by their ids. Therefore it writes what folders and names
of the source tell into a file of the metadata. The settings that decide about labels are written there as well.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tasks.runtime.artifact_reading import read_json
from tasks.runtime.errors import BreathlineError

RECORDINGS = "recordings"


def encode(recordings: Mapping[str, Mapping[str, str]], **settings: Any) -> bytes:
    """Return the content of the file.

    Args:
        recordings: Facts of each recording.
        settings: Settings by name.
    """
    content = {**settings, RECORDINGS: dict(sorted(recordings.items()))}
    return (json.dumps(content, indent=1) + "\n").encode("ascii")


def read(path: Path, recording_ids: Collection[str] = ()) -> tuple[dict[str, dict[str, str]], dict[str, Any]]:
    """Return the facts of each recording, and the settings.

    Args:
        path: Path of the file.
        recording_ids: Recordings that the file must have.

    Raises:
        BreathlineError: The file is missing or damaged, or lacks a recording.
    """
    settings = read_json(path, {RECORDINGS: dict})
    recordings: dict[str, dict[str, str]] = settings.pop(RECORDINGS)
    for recording_id in recording_ids:
        if recording_id not in recordings:
            raise BreathlineError(
                f"{path.name} does not list the recording {recording_id}.", where=path, hint="run `download` again"
            )
    return recordings, settings


def named(content: bytes) -> list[str]:
    """Return the recordings in the content of the file; none if it is no source record."""
    try:
        loaded = json.loads(content)
    except ValueError:
        return []
    recordings = loaded.get(RECORDINGS) if isinstance(loaded, dict) else None
    return list(recordings) if isinstance(recordings, dict) else []


def keep(path: Path, recording_ids: Collection[str]) -> None:
    """Remove all other recordings from the file."""
    recordings, settings = read(path)
    path.write_bytes(encode({name: row for name, row in recordings.items() if name in recording_ids}, **settings))
