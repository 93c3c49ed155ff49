"""Checks that a source is complete and that its recordings can be read."""

import logging
from collections.abc import Iterable
from pathlib import Path

import soundfile

from tasks.corpora.contents import Metadata
from tasks.corpora.settings import Expect
from tasks.corpora.source_files import SourceFiles
from tasks.runtime.corpus_facts import Identity
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import listed
from tasks.sources import archive

PARTIAL = "accept a part of the corpus: `expect: partial` in params.yaml"

log = logging.getLogger("download")


def check_pairs(files: SourceFiles, where: object, expect: Expect) -> list[str]:
    """Return the names of annotations without audio, which only a part of a corpus may have.

    Args:
        files: Files of the source by kind.
        where: Source, for error messages.
        expect: Expected extent: `full` or `partial`.

    Raises:
        BreathlineError: A recording has no annotation, an annotation of a full corpus has no recording, or there are
            no recordings.
    """
    without_annotation = [recording_id for recording_id in files.audio if recording_id not in files.annotations]
    if without_annotation:
        raise BreathlineError(
            f"{len(without_annotation)} recordings have no annotation: {listed(without_annotation)}.",
            where=where,
            hint="add the annotation file of each",
        )
    if not files.audio:
        hint = archive.unpacking_hint(member.name for member in files.others) or "add the .wav files of the corpus"
        raise BreathlineError("There are no recordings.", where=where, hint=hint)
    without_audio = [recording_id for recording_id in files.annotations if recording_id not in files.audio]
    if without_audio and expect == "full":
        raise BreathlineError(
            f"{len(without_audio)} annotations have no recording: {listed(without_audio)}.",
            where=where,
            hint=f"add the .wav of each, or {PARTIAL}",
        )
    return without_audio


def check_missing(metadata: Metadata, where: object, expect: Expect) -> None:
    """Report recordings that only the metadata list, and names that were corrected.

    Args:
        metadata: Metadata of the corpus.
        where: Source, for error messages.
        expect: Expected extent: `full` or `partial`.

    Raises:
        BreathlineError: A full corpus lacks a recording that its metadata list.
    """
    missing = list(metadata.missing)
    if missing:
        what = f"{len(missing)} recordings of the metadata have no audio: {listed(missing)}"
        if expect == "full":
            raise BreathlineError(f"{what}.", where=where, hint=f"fetch the rest, or {PARTIAL}")
        log.warning(what)
    for correction in metadata.corrections:
        log.warning(f"the split file's {correction.name_in_split} is the recording {correction.recording_id}")


def check_extent(identity: Identity, excluded: int, where: object, expect: Expect) -> None:
    """Refuse a part of a published corpus where the full corpus is expected.

    Args:
        identity: Result of comparing the recordings with the published corpus.
        excluded: Number of recordings of excluded patients.
        where: The source.
        expect: Expected extent.

    Raises:
        BreathlineError: The recordings are a part of the published corpus.
    """
    found = identity.recordings + excluded
    if expect == "full" and identity.verified and identity.known_recordings not in (None, found):
        raise BreathlineError(
            f"The source has {found} recordings; the published corpus has {identity.known_recordings}.",
            where=where,
            hint=f"fetch the rest, or {PARTIAL}",
        )


def check_headers(recordings: Iterable[Path], where: object) -> None:
    """Refuse audio files with unreadable headers, and name all of them.

    Args:
        recordings: Paths of the files.
        where: The source.

    Raises:
        BreathlineError: A header cannot be read.
    """
    faults: list[str] = []
    for path in recordings:
        try:
            header = soundfile.info(path)
        except soundfile.SoundFileError as error:
            faults.append(f"{path.name} ({str(error).rpartition(': ')[2].rstrip('.')})")
        else:
            if header.format not in ("WAV", "WAVEX", "RF64"):
                faults.append(f"{path.name} (this is {header.format}, not wav)")
            elif header.frames == 0:
                faults.append(f"{path.name} (no samples)")
    if faults:
        raise BreathlineError(
            f"{len(faults)} recordings cannot be read: {listed(faults)}.", where=where, hint="fetch them again"
        )
