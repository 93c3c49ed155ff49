"""Recordings, annotations and metadata among the files of a source."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from tasks.corpora.base import Corpus
from tasks.runtime.errors import BreathlineError
from tasks.sources.collection import Member

RECORDING_SUFFIX = ".wav"
MAX_METADATA_BYTES = 4 << 20


@dataclass(frozen=True, kw_only=True)
class SourceFiles:
    """Files of a source by kind.

    Attributes:
        audio: Audio file of each recording, by sorted name.
        annotations: Annotation of each recording, by sorted name.
        metadata: All copies of each metadata file, by official name.
        others: Files of no known kind.
    """

    audio: Mapping[str, Member]
    annotations: Mapping[str, Member]
    metadata: Mapping[str, Sequence[Member]]
    others: Sequence[Member]

    def only(self, recording_ids: Collection[str]) -> SourceFiles:
        """Return the files with only these recordings and their annotations."""
        return replace(
            self,
            audio={name: member for name, member in self.audio.items() if name in recording_ids},
            annotations={name: member for name, member in self.annotations.items() if name in recording_ids},
        )


def sort(members: Iterable[Member], corpus: Corpus) -> SourceFiles:
    """Return the files of a source by kind: audio, annotations, metadata and others. Folders are ignored.

    Raises:
        BreathlineError: A recording's name does not have the corpus's form, or two files have the same name, also if
            case is ignored.
    """
    audio: dict[str, Member] = {}
    annotations: dict[str, Member] = {}
    metadata: dict[str, list[Member]] = {}
    others: list[Member] = []
    for member in members:
        path = PurePosixPath(member.name)
        suffix = path.suffix.lower()
        if "__MACOSX" in path.parts or path.name.startswith("."):
            others.append(member)  # macOS adds such files to archives; a resource fork even ends in .wav
        elif suffix == RECORDING_SUFFIX:
            corpus.check_name(path.stem, member.origin)
            _add(audio, path.stem, member)
        elif official := corpus.metadata_name(path.name):
            metadata.setdefault(official, []).append(member)
        elif suffix == corpus.annotation_suffix and corpus.is_name(path.stem):
            _add(annotations, path.stem, member)
        else:
            others.append(member)
    _check_case(audio)
    return SourceFiles(
        audio=dict(sorted(audio.items())),
        annotations=dict(sorted(annotations.items())),
        metadata=metadata,
        others=others,
    )


def metadata_among(members: Iterable[Member], corpus: Corpus) -> dict[str, list[Member]]:
    """Return the metadata files among a folder's files, by official name."""
    found: dict[str, list[Member]] = {}
    for member in members:
        if official := corpus.metadata_name(member.name):
            found.setdefault(official, []).append(member)
    return found


def read_metadata(places: Sequence[Mapping[str, Sequence[Member]]], corpus: Corpus) -> dict[str, tuple[bytes, str]]:
    """Return the bytes and the origin of each metadata file, by official name.

    Args:
        places: Candidates by official name, of each place; the first place that has a file gives it.
        corpus: The corpus.

    Raises:
        BreathlineError: A required file is missing, or one place has two copies that differ.
    """
    found: dict[str, tuple[bytes, str]] = {}
    for official, required in corpus.metadata_files.items():
        candidates = next((place[official] for place in places if official in place), None)
        if candidates is None:
            if required:
                raise BreathlineError(
                    f"The metadata file {official} is missing.",
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
                    hint="remove the wrong one, or name a folder with the right one in download.metadata",
                )
        found[official] = copies[0]
    return found


def _content(member: Member) -> bytes:
    """Return the content of a metadata file."""
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
            hint="remove the wrong one",
        )
    files[recording_id] = member


def _check_case(files: Mapping[str, Member]) -> None:
    """Check that the names of recordings stay different on file systems that ignore case or the form of accents.

    Raises:
        BreathlineError: Two names are one name there.
    """
    seen: dict[str, Member] = {}
    for recording_id, member in files.items():
        other = seen.setdefault(unicodedata.normalize("NFC", recording_id).casefold(), member)
        if other is not member:
            raise BreathlineError(
                "Two names of recordings differ in upper and lower case only: macOS and Windows take them for one.",
                where=f"{other.origin} and {member.origin}",
                hint="rename one of them, with its annotation",
            )
