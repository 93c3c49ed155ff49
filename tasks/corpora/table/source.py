"""Recordings of a normalised table as the files of a source: audio under safe ids, annotations and metadata."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tasks.corpora.settings import TableSettings
from tasks.corpora.table import labels, normalised
from tasks.corpora.table.normalised import OF_RECORDING, Segment
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256
from tasks.runtime.user_paths import resolve
from tasks.runtime.words import counted, listed
from tasks.sources.collection import Collection, Member

RECORDINGS, LABELS = "table_recordings.csv", "table_labels.json"
COLUMNS = ("start_s", "end_s", "label", "kind")
ADD = "run `breathline corpus add` again, which checks the files again"


def prepare(collection: Collection, settings: TableSettings) -> Collection:
    """Return the recordings of a table under their ids, with annotations and metadata.

    Args:
        collection: The user's folder or archive.
        settings: The normalised table and its hash.

    Raises:
        BreathlineError: The table has changed, or an audio file is missing or has changed.
    """
    path = resolve(settings.file)
    if not path.is_file():
        raise BreathlineError("The table of the recordings is missing.", where=path, hint=ADD)
    if sha256(path) != settings.sha256.lower():
        what = "The table of the recordings is not the one that params.yaml names by its hash."
        raise BreathlineError(what, where=path, hint=ADD)
    segments = normalised.read(path)
    audio = _audio(collection, segments)
    recordings: dict[str, list[Segment]] = {}
    for one in segments:
        recordings.setdefault(one.recording_id, []).append(one)
    annotations = [
        _written(f"{name}.tsv", path, normalised.encode(several, COLUMNS, separator="\t", heading=False))
        for name, several in recordings.items()
    ]
    own = labels.own_classes((one.label, one.kind) for one in segments)
    metadata = [
        _written(RECORDINGS, path, normalised.encode(segments, OF_RECORDING)),
        _written(LABELS, path, (json.dumps({labels.OWN: own}, indent=1, ensure_ascii=False) + "\n").encode()),
    ]
    return replace(collection, members=[*audio, *annotations, *metadata])


def read_annotation(path: Path) -> Iterator[tuple[float, float, str, str]]:
    """Yield start and end in seconds, label and class of each segment.

    Raises:
        BreathlineError: The annotation is damaged.
    """
    for line, row in normalised.read_rows(path, COLUMNS, separator="\t", heading=False):
        where = f"{path}:{line}"
        if row["kind"] not in labels.CLASSES:
            raise BreathlineError(f"`{row['kind']}` is no class.", where=where, hint=normalised.HINT)
        times = (normalised.number(row[name], where) for name in ("start_s", "end_s"))
        yield (*times, row["label"], row["kind"])  # type: ignore[misc]  # two times


def _audio(collection: Collection, segments: Sequence[Segment]) -> list[Member]:
    """Return the audio files of the recordings under their ids; missing and changed files are one error."""
    members: Mapping[str, Member] = {member.name: member for member in collection.members}
    wanted = {one.recording_id: one for one in segments}
    missing = sorted(one.file for one in wanted.values() if one.file not in members)
    found = {name: members[one.file] for name, one in wanted.items() if one.file in members}
    changed = sorted(member.name for name, member in found.items() if member.sha256() != wanted[name].sha256)
    faults = [
        f"{counted(len(names), 'recording')} of the table {verb}: {listed(names)}"
        for names, verb in ((missing, "are missing"), (changed, "have changed"))
        if names
    ]
    if faults:
        raise BreathlineError(f"{'; '.join(faults)}.", where=collection.where, hint=f"bring them back, or {ADD}")
    return [replace(member, name=f"{name}{Path(member.name).suffix.lower()}") for name, member in found.items()]


def _written(name: str, origin: Path, content: bytes) -> Member:
    """Return a file whose content is in memory."""
    return Member(name=name, origin=str(origin), size=len(content), chunks=lambda: iter([content]))
