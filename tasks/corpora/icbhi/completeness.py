"""Whether a corpus holds what its split file promises."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import soundfile

from tasks.corpora.icbhi import expected
from tasks.corpora.icbhi.layout import Sorted
from tasks.corpora.icbhi.metadata import Match
from tasks.runtime.errors import BreathlineError
from tasks.sources.settings import Expect

log = logging.getLogger("download")


def check_pairs(files: Sorted, where: object, expect: Expect) -> list[str]:
    """Return the annotations without any audio, by recording id, which only a part of a corpus may have.

    Raises:
        BreathlineError: A recording without annotation, or, of a full corpus, an annotation without recording; or no
            recording at all.
    """
    bare = [recording_id for recording_id in files.audio if recording_id not in files.annotations]
    if bare:
        raise BreathlineError(
            f"{len(bare)} recordings have no annotation: {listed(bare)}.", where=where, hint="add the .txt of each"
        )
    if not files.audio:
        raise BreathlineError("There are no recordings.", where=where, hint="the .wav files of ICBHI are expected")
    alone = [recording_id for recording_id in files.annotations if recording_id not in files.audio]
    if alone and expect == "full":
        raise BreathlineError(
            f"{len(alone)} annotations have no recording: {listed(alone)}.",
            where=where,
            hint="add the .wav of each, or accept a part of the corpus: download.expect: partial",
        )
    return alone


def check_split(match: Match, recordings: int, where: object, *, expect: Expect, demo: bool) -> str:
    """Return the name of the corpus: `icbhi`, `icbhi-part` or `demo`.

    Args:
        match: How the names of the split file and of the recordings fit together.
        recordings: How many there are.
        where: The split file.
        expect: Whether all must be there.
        demo: Whether the corpus is generated, and then of any size.

    Raises:
        BreathlineError: The split file does not name a recording; or a full corpus lacks one that it names, or has not
            the number of recordings that ICBHI has.
    """
    if match.unlisted:
        raise BreathlineError(
            f"The split file does not name {len(match.unlisted)} recordings: {listed(match.unlisted)}.",
            where=where,
            hint="use the split file that belongs to the recordings, or remove their audio",
        )
    complete = not match.missing and (demo or recordings == expected.RECORDINGS)
    if expect == "full" and not complete:
        hint = "fetch the rest, or accept a part of the corpus: download.expect: partial"
        if match.missing:
            what = f"{len(match.missing)} recordings of the split file have no audio: {listed(match.missing)}."
        else:
            what = f"The split file and the audio hold {recordings} recordings; ICBHI has {expected.RECORDINGS}."
        raise BreathlineError(what, where=where, hint=hint)
    if match.missing:
        log.warning(f"{len(match.missing)} recordings of the split file have no audio: {listed(match.missing)}")
    for correction in match.corrections:
        log.warning(f"the split file's {correction.name_in_split} is the recording {correction.recording_id}")
    return "demo" if demo else "icbhi" if complete else "icbhi-part"


def check_headers(wavs: Iterable[Path], where: object) -> None:
    """Refuse wav files whose header cannot be read; all are looked at, and the error names them.

    Args:
        wavs: The files.
        where: The source that they came from.

    Raises:
        BreathlineError: There are such files.
    """
    faults: list[str] = []
    for wav in wavs:
        try:
            header = soundfile.info(wav)
        except soundfile.SoundFileError as error:
            faults.append(f"{wav.name} ({str(error).rpartition(': ')[2].rstrip('.')})")
        else:
            if header.format not in ("WAV", "WAVEX", "RF64"):
                faults.append(f"{wav.name} (this is {header.format}, not wav)")
            elif header.frames == 0:
                faults.append(f"{wav.name} (no samples)")
    if faults:
        raise BreathlineError(
            f"{len(faults)} recordings cannot be read: {listed(faults)}.", where=where, hint="fetch them again"
        )


def listed(names: Sequence[str]) -> str:
    """Return the first names of many, in words."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
