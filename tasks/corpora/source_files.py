"""Recordings, annotations and metadata among the files of a source."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from tasks.corpora import file_copies
from tasks.corpora.base import Corpus
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import listed
from tasks.sources import pointers
from tasks.sources.collection import FileKind, Member


@dataclass(frozen=True, kw_only=True)
class SourceFiles:
    """Files of a source by kind.

    Attributes:
        audio: Audio file of each recording, by sorted name.
        annotations: Annotation of each recording, by sorted name; the recording if the corpus has no annotations.
        paths: Paths of the annotation of each recording and of its equal copies in the source.
        metadata: All copies of each metadata file, by official name.
        others: Files of no known kind.
        copies: Number of further copies of recordings and annotations, with equal content, that are left out.
    """

    audio: Mapping[str, Member]
    annotations: Mapping[str, Member]
    paths: Mapping[str, Sequence[str]]
    metadata: Mapping[str, Sequence[Member]]
    others: Sequence[Member]
    copies: int = 0

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
        BreathlineError: A recording's name does not have the corpus's form, two files of one name differ, or two names
            differ in case only.
    """
    audio: dict[str, list[Member]] = {}
    annotations: dict[str, list[Member]] = {}
    metadata: dict[str, list[Member]] = {}
    others: list[Member] = []
    for member in members:
        path = PurePosixPath(member.name)
        match kind(member.name, corpus):
            case "audio":
                corpus.check_name(path.stem, member.origin)
                audio.setdefault(corpus.recording_id(path.stem), []).append(member)
            case "metadata":
                metadata.setdefault(corpus.metadata_name(path.name) or "", []).append(member)
            case "annotation":
                annotations.setdefault(corpus.recording_id(corpus.annotated(path.name) or ""), []).append(member)
            case None:
                others.append(member)
    _check_ids(audio)
    _check_case({name: members[0] for name, members in audio.items()})
    copies = file_copies.count_equal([*audio.values(), *annotations.values()])
    if corpus.annotation_suffix is None:
        annotations = audio
    return SourceFiles(
        audio={name: members[0] for name, members in sorted(audio.items())},
        annotations={name: members[0] for name, members in sorted(annotations.items())},
        paths={name: [member.name for member in members] for name, members in sorted(annotations.items())},
        metadata=metadata,
        others=others,
        copies=copies,
    )


def kind(name: str, corpus: Corpus) -> FileKind | None:
    """Return the kind of a file of a source by its path; None for a file of no use."""
    path = PurePosixPath(name)
    if path.suffix.lower() in corpus.recording_suffixes:
        return "audio"
    if corpus.metadata_name(path.name):
        return "metadata"
    return None if corpus.annotated(path.name) is None else "annotation"


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
        BreathlineError: One place has two copies that differ, or a file is a pointer or far too large.
    """
    found: dict[str, tuple[bytes, str]] = {}
    for official in corpus.metadata_files:
        candidates = next((place[official] for place in places if official in place), None)
        if candidates is None:
            continue
        copies = [(_content(member, corpus.max_metadata_bytes), member.origin) for member in candidates]
        for content, origin in copies[1:]:
            if content != copies[0][0]:
                raise BreathlineError(
                    f"There are two copies of {official} that differ.",
                    where=f"{copies[0][1]} and {origin}",
                    hint="remove the wrong one, or name a folder with the right one as `metadata` in params.yaml",
                )
        found[official] = copies[0]
    return found


def _content(member: Member, limit: int) -> bytes:
    """Return the content of a metadata file of at most `limit` bytes."""
    if member.size > limit:
        raise BreathlineError(
            f"The metadata file has {member.size:,} bytes; the limit is {limit:,}.",
            where=member.origin,
            hint="fetch it again",
        )
    content = b"".join(member.chunks())
    if pointer := pointers.tool(content):
        raise pointers.refusal(pointer, "The metadata file was", member.origin)
    return content


def name_of(recording_id: str, member: Member) -> str:
    """Return the name of a recording's audio file in `data/raw/audio`."""
    return f"{recording_id}{PurePosixPath(member.name).suffix.lower()}"


def recordings_in(folder: Path, corpus: Corpus) -> dict[str, Path]:
    """Return the audio files of `data/raw/audio` by the name of the recording, sorted."""
    return {path.stem: path for path in sorted(folder.glob("*")) if path.suffix in corpus.recording_suffixes}


def _check_ids(audio: Mapping[str, Sequence[Member]]) -> None:
    """Check that all audio files of one recording have one name.

    Raises:
        BreathlineError: Two names mean one recording.
    """
    for recording_id, members in audio.items():
        names = {name_of(PurePosixPath(member.name).stem, member): member.origin for member in members}
        if len(names) > 1:
            raise BreathlineError(
                f"The recording {recording_id} has {len(names)} names: {listed([*names])}.",
                where=" and ".join(list(names.values())[:2]),
                hint="keep the right one",
            )


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
                "The names of two recordings differ in upper and lower case only, or in the form of an accent: "
                "macOS and Windows take them for one.",
                where=f"{other.origin} and {member.origin}",
                hint="rename one of them, with its annotation",
            )
