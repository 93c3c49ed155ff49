"""Which of a source's files are recordings, annotations and metadata, and what they are called in `data/raw`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tasks.corpora.icbhi import names
from tasks.corpora.icbhi.metadata import DEMOGRAPHICS_FILE, DIAGNOSIS_FILE, FOLDS_FILE, SPLIT_FILE
from tasks.runtime.errors import BreathlineError
from tasks.sources.collection import Member

REQUIRED = (SPLIT_FILE, DIAGNOSIS_FILE, DEMOGRAPHICS_FILE)
OPTIONAL = (FOLDS_FILE, "filename_differences.txt", "filename_format.txt")
# Names under which other sites have the same files.
_ALIASES = {"patient_diagnosis": DIAGNOSIS_FILE, "demographic_info": DEMOGRAPHICS_FILE}
_METADATA = {Path(name).stem.casefold(): name for name in (*REQUIRED, *OPTIONAL)} | _ALIASES
_COPY = re.compile(r"\s*\(\d+\)$|\s+- copy$", re.IGNORECASE)  # as browsers and file managers mark a second copy
MAX_METADATA_BYTES = 4 << 20


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """A source's files by what they are.

    `audio` and `annotations` are by recording id and sorted by it; `metadata` is by official name, with all candidates;
    `others` are the files that are none of these.
    """

    audio: Mapping[str, Member]
    annotations: Mapping[str, Member]
    metadata: Mapping[str, Sequence[Member]]
    others: Sequence[Member]


def sort(members: Iterable[Member]) -> Sorted:
    """Return files by what they are, whatever the folders they lie in.

    Raises:
        BreathlineError: A wav is not named as a recording, or two files would have one name in `data/raw`.
    """
    audio: dict[str, Member] = {}
    annotations: dict[str, Member] = {}
    metadata: dict[str, list[Member]] = {}
    others: list[Member] = []
    for member in members:
        path = PurePosixPath(member.name)
        suffix = path.suffix.lower()
        if "__MACOSX" in path.parts or path.name.startswith("."):
            others.append(member)  # what macOS adds to archives: a resource fork even ends in .wav
        elif suffix == ".wav":
            names.parse(path.stem, where=member.origin)
            _add(audio, path.stem, member)
        elif official := official_name(path.name):
            metadata.setdefault(official, []).append(member)
        elif suffix == ".txt" and _is_recording(path.stem):
            _add(annotations, path.stem, member)
        else:
            others.append(member)
    return Sorted(
        audio=dict(sorted(audio.items())),
        annotations=dict(sorted(annotations.items())),
        metadata=metadata,
        others=others,
    )


def official_name(name: str) -> str | None:
    """Return the official name of a metadata file by the name of a copy of it, or None if it is no such file."""
    path = PurePosixPath(name)
    if path.suffix.lower() not in (".txt", ".csv"):
        return None
    return _METADATA.get(_COPY.sub("", path.stem).casefold())


def read_metadata(places: Sequence[Mapping[str, Sequence[Member]]]) -> dict[str, tuple[bytes, str]]:
    """Return the metadata files, by official name: bytes as they came, and where they came from.

    Args:
        places: The candidates by official name, of each place to look in; the first place that has a file gives it.

    Raises:
        BreathlineError: A needed file is nowhere, or one place has two copies that differ.
    """
    found: dict[str, tuple[bytes, str]] = {}
    for official in (*REQUIRED, *OPTIONAL):
        candidates = next((place[official] for place in places if official in place), None)
        if candidates is None:
            if official in REQUIRED:
                raise BreathlineError(
                    f"The metadata file {official} is nowhere.",
                    where="the source, the folder beside it, and `download.metadata`",
                    hint="put it beside the source, or into a folder and name that in download.metadata",
                )
            continue
        copies = [(_content(member), member.origin) for member in candidates]
        for content, origin in copies[1:]:
            if content != copies[0][0]:
                raise BreathlineError(
                    f"There are two copies of {official} that differ.",
                    where=f"{copies[0][1]} and {origin}",
                    hint="remove the one that does not hold, or name a folder with the right one in download.metadata",
                )
        found[official] = copies[0]
    return found


def _content(member: Member) -> bytes:
    """Return all of a metadata file."""
    if member.size > MAX_METADATA_BYTES:
        raise BreathlineError(
            f"{member.size} bytes are too many for a metadata file.", where=member.origin, hint="fetch it again"
        )
    return b"".join(member.chunks())


def _add(files: dict[str, Member], recording_id: str, member: Member) -> None:
    """Add a recording's file, which must be the only one of its name."""
    if recording_id in files:
        raise BreathlineError(
            f"Two files have one name, {PurePosixPath(member.name).name}.",
            where=f"{files[recording_id].origin} and {member.origin}",
            hint="remove the one that does not belong there",
        )
    files[recording_id] = member


def _is_recording(stem: str) -> bool:
    """Return whether a name is that of a recording."""
    try:
        names.parse(stem)
    except BreathlineError:
        return False
    return True
