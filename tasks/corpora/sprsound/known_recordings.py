"""Comparison of recordings with the published release BioCAS2022.

`known_annotations.txt` has a digest of name and annotation for each of the 1,949 recordings of the train part. Of the
test recordings, only the numbers are known.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tasks.corpora import identities, source_record
from tasks.corpora.sprsound import annotations, expected, sides
from tasks.corpora.sprsound.facts import NAME, TEXTS
from tasks.runtime.corpus_facts import Identity
from tasks.runtime.words import counted

TABLE = Path(__file__).with_name("known_annotations.txt")
DIGITS = 16  # of a digest, in hexadecimal


def digest(recording_id: str, annotation: annotations.Annotation) -> str:
    """Return the digest of a recording's name and annotation, whatever the order of events and the form of times."""
    events = [(round(1000 * one.start_s), round(1000 * one.end_s), one.type) for one in annotation.events]
    content = json.dumps([recording_id, annotation.record, events])
    return hashlib.sha256(content.encode()).hexdigest()[:DIGITS]


def compare(raw: Path, recording_ids: Sequence[str]) -> Identity:
    """Return whether recordings are those of the release BioCAS2022, by names, annotations and numbers.

    Recordings of the train part are SPRSound's if the published part has their name with this annotation. Recordings
    of the test part are counted.

    Args:
        raw: Folder with the folders `audio` and `metadata`.
        recording_ids: Names of the recordings.
    """
    known = set(TABLE.read_text(encoding="ascii").split())
    places, _ = source_record.read(raw / "metadata" / sides.FILE)
    of_side = Counter(places[name]["side"] for name in recording_ids)
    train = [name for name in recording_ids if places[name]["side"] == "train"]
    matched = [name for name in train if digest(name, annotations.read(raw / "audio" / f"{name}.json")) in known]
    fits = all(number <= expected.SIDE_RECORDINGS.get(side, 0) for side, number in of_side.items())
    verified = bool(matched) and len(matched) == len(train) and fits
    sizes = ", ".join(f"{side} {of_side[side]:,}" for side in sides.SIDES if side in of_side)
    return identities.compared(
        NAME,
        TEXTS,
        evidence=(
            f"{counted(len(recording_ids), 'recording')} by side: {sizes}. Of {len(train):,} on the side train, "
            f"{len(matched):,} have name and annotation of one of the {len(known):,} published ones. "
            "Test recordings were counted and not compared, audio neither."
        ),
        count=len(recording_ids),
        total=expected.RECORDINGS,
        matched=len(matched),
        verified=verified,
        matched_annotations=len(matched),
    )
