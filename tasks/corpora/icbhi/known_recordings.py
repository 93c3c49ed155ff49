"""Comparison of recordings with the 920 recordings of ICBHI 2017.

`known_recordings.tsv` has a row for each: name, side of the official split, fold, SHA-256 of the annotation with line
ends as LF, and SHA-256 of the published audio where it is known.
"""

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tasks.corpora import identities
from tasks.corpora.icbhi.facts import NAME, TEXTS, TITLE
from tasks.runtime.corpus_facts import Identity
from tasks.runtime.files import sha256
from tasks.sources.collection import Member

TABLE = Path(__file__).with_name("known_recordings.tsv")


def read() -> dict[str, dict[str, str]]:
    """Return the rows of the table by recording."""
    with TABLE.open(encoding="ascii", newline="") as file:
        return {row["recording"]: row for row in csv.DictReader(file, delimiter="\t")}


def compare(audio: Path, recording_ids: Sequence[str]) -> Identity:
    """Return whether recordings are those of ICBHI 2017, by the SHA-256 of their files.

    A recording is ICBHI's if its name is known, its annotation is the published one, and so is its audio where the
    SHA-256 of the published audio is known.

    Args:
        audio: The folder of recordings and annotations.
        recording_ids: Names of the recordings.
    """
    known = read()
    named = [name for name in recording_ids if name in known]
    annotated = [name for name in named if annotation_sha256(audio / f"{name}.txt") == known[name]["annotation_sha256"]]
    hashed = [name for name in annotated if known[name]["recording_sha256"]]
    heard = {name for name in hashed if sha256(audio / f"{name}.wav") == known[name]["recording_sha256"]}
    matched = [name for name in annotated if name in heard or not known[name]["recording_sha256"]]
    count, total = len(recording_ids), len(known)
    return identities.compared(
        NAME,
        TEXTS,
        evidence=(
            f"{len(named)} of {count} recordings have the name of one of the {total} recordings of {TITLE}. "
            f"The SHA-256 of {len(annotated)} annotations equals the published one. The SHA-256 of the published "
            f"audio is known for {len(hashed)} of these recordings, and equal for {len(heard)}."
        ),
        count=count,
        total=total,
        matched=len(matched),
        verified=bool(recording_ids) and len(matched) == count,
        matched_annotations=len(annotated),
        matched_audio=len(heard),
    )


def others(audio: Mapping[str, Member], annotations: Mapping[str, Member]) -> list[str]:
    """Return the names of the recordings of a source that are not ICBHI's, by the rule of `compare`.

    Args:
        audio: Audio file of each recording.
        annotations: Annotation of each recording.
    """
    known = read()
    return [name for name, member in audio.items() if not _is_known(known.get(name), member, annotations[name])]


def _is_known(row: Mapping[str, str] | None, audio: Member, annotation: Member) -> bool:
    """Return whether a recording is that of a row."""
    if row is None or _with_lf(annotation.chunks()) != row["annotation_sha256"]:
        return False
    return row["recording_sha256"] in ("", audio.sha256())


def annotation_sha256(path: Path) -> str:
    """Return the SHA-256 of an annotation, with line ends as LF."""
    return _with_lf([path.read_bytes()])


def _with_lf(chunks: Iterable[bytes]) -> str:
    """Return the SHA-256 of a text, with line ends as LF."""
    return hashlib.sha256(b"".join(chunks).replace(b"\r\n", b"\n").replace(b"\r", b"\n")).hexdigest()
