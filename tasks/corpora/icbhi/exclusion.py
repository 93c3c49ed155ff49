"""Patients who are left out of a corpus, as if it had never held them.

Nothing of such a patient goes on: neither recordings and annotations, nor the lines of the metadata files that name
them. What remains is the patient's number (in params.yaml, in `source.json` and in the record of `download`) and how
many recordings there were, so that the gap can be accounted for.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from tasks.corpora.icbhi import names
from tasks.corpora.icbhi.layout import Sorted
from tasks.corpora.icbhi.metadata import Match
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import natural

KEY = "download.exclude_patients"
_BOM = "\ufeff"


def patient_of(recording_id: str) -> str:
    """Return the number of the patient that a recording's name begins with."""
    return names.parse(recording_id).patient_id


def count(recording_ids: Iterable[str], known: Iterable[str], patients: Collection[str]) -> dict[str, int]:
    """Return how many recordings each patient to be left out has, by number.

    Args:
        recording_ids: The recordings of the source.
        known: Recordings that the split file names, of which a part of a corpus may have none.
        patients: Those to leave out.

    Raises:
        BreathlineError: A patient whom neither has: a slip that would leave the right one in.
    """
    counts = dict.fromkeys(sorted(patients, key=natural), 0)
    for recording_id in recording_ids:
        if (patient := patient_of(recording_id)) in counts:
            counts[patient] += 1
    named = {patient_of(name) for name in known}
    strangers = [patient for patient, found in counts.items() if not found and patient not in named]
    if strangers:
        raise BreathlineError(
            f"The source has no patient {', '.join(strangers)} to leave out.",
            where=f"params.yaml: {KEY}",
            hint="correct the number; a patient who is no longer in the source need not be named",
        )
    return counts


def without(files: Sorted, patients: Collection[str]) -> Sorted:
    """Return a source's files without the recordings and annotations of some patients."""

    def kept(of: Mapping[str, object]) -> list[str]:
        return [name for name in of if patient_of(name) not in patients]

    return replace(
        files,
        audio={name: files.audio[name] for name in kept(files.audio)},
        annotations={name: files.annotations[name] for name in kept(files.annotations)},
    )


def unnamed(match: Match, patients: Collection[str]) -> Match:
    """Return how split file and audio fit together, without what names some patients."""
    return Match(
        recording_ids={a: b for a, b in match.recording_ids.items() if patient_of(b) not in patients},
        corrections=[found for found in match.corrections if patient_of(found.recording_id) not in patients],
        missing=[name for name in match.missing if patient_of(name) not in patients],
        unlisted=[name for name in match.unlisted if patient_of(name) not in patients],
    )


def strip(folder: Path, patients: Collection[str]) -> None:
    """Take the lines that name some patients out of the metadata files in a folder; all other bytes stay."""
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        if (kept := _without_lines(data, patients)) != data:
            path.write_bytes(kept)


def patients_named(data: bytes) -> set[str]:
    """Return the patients whom the lines of a metadata file name."""
    lines = _lines(data)[2]
    return {number for line in lines for number in _numbers(line)}


def _without_lines(data: bytes, patients: Collection[str]) -> bytes:
    encoding, bom, lines, errors = _lines(data)
    kept = "".join(line for line in lines if not _numbers(line).intersection(patients))
    return (bom + kept).encode(encoding, errors)


def _lines(data: bytes) -> tuple[str, str, list[str], str]:
    """Return how a file is encoded, its byte order mark, its lines with their ends, and how odd bytes are treated."""
    encoding, errors = "utf-8", "surrogateescape"  # bytes that are no text come back as they were
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):
            encoding, errors = name, "surrogatepass"
    text = data.decode(encoding, errors)
    bom = _BOM if text.startswith(_BOM) else ""
    return encoding, bom, re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text.removeprefix(bom)), errors


def _numbers(line: str) -> set[str]:
    """Return the patient whose number a line begins with, and those whose recordings it names."""
    first = re.match(r"\s*['\"]?(\d+)(?=[\s,'\"]|$)", line)
    inside = re.findall(r"(?<!\d)(\d+)_\d+[a-z]\d+_", line)
    return {str(int(number)) for number in [*inside, *([first[1]] if first else [])]}
