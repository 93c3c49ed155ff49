"""Excerpts of a recording: the cycles of its annotation, or windows."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.runtime.errors import BreathlineError

if TYPE_CHECKING:
    from tasks.corpora.base import Corpus
    from tasks.corpora.contents import Cycle

ANNOTATIONS = (".txt", ".tsv", ".json")  # suffixes of annotation files of all formats
MAX_SEGMENTS = 500_000  # of a recording
ROUNDING_S = 0.001  # difference between the end of a recording and of its last cycle that needs no note


@dataclass(frozen=True)
class Excerpt:
    """Part of a recording, in seconds: a cycle of the annotation, or a window (without `cycle_id`)."""

    start_s: float
    end_s: float
    cycle_id: str | None = None
    note: str | None = None  # difference between the annotation and the excerpt


@dataclass(frozen=True)
class Windows:
    """Windows that are cut from a recording, instead of the cycles of an annotation.

    Attributes:
        length_s: Length of a window in seconds.
        hop_s: Time in seconds from the start of a window to that of the next.
    """

    length_s: float
    hop_s: float

    @classmethod
    def parse(cls, text: str) -> Windows:
        """Return the windows that a text describes: ``LENGTH``, ``LENGTH,HOP`` in seconds or ``LENGTH,OVERLAP%``.

        Raises:
            BreathlineError: The text describes no windows.
        """
        length, _, hop = text.replace(" ", "").partition(",")
        try:
            length_s = float(length)
            overlap = float(hop[:-1]) / 100 if hop.endswith("%") else 0.0
            hop_s = length_s * (1 - overlap) if hop.endswith("%") else float(hop or length)
        except ValueError:
            length_s = hop_s = overlap = math.nan
        if not (0 < length_s < math.inf and 0 < hop_s < math.inf and 0 <= overlap < 1):
            raise BreathlineError(
                f"{text!r} describes no windows.",
                where="--windows",
                hint="write LENGTH, LENGTH,HOP in seconds or LENGTH,OVERLAP%, such as `--windows 2.5,50%`",
            )
        return cls(length_s, hop_s)

    def cut(self, seconds: float, note: str | None = None) -> list[Excerpt]:
        """Return windows that cover a recording; the last one ends with it.

        Args:
            seconds: Length of the recording.
            note: Note of each window.

        Raises:
            BreathlineError: There are more than `MAX_SEGMENTS`.
        """
        count = 1 + max(0, math.ceil((seconds - self.length_s) / self.hop_s - 1e-9))
        if count > MAX_SEGMENTS:
            what = f"The recording has {count:,} windows; up to {MAX_SEGMENTS:,} are predicted."
            raise BreathlineError(what, where="--windows", hint="take a larger hop")
        starts = [index * self.hop_s for index in range(count - 1)] + [max(0.0, seconds - self.length_s)]
        return [Excerpt(start, min(start + self.length_s, seconds), note=note) for start in starts]


def excerpts(wav: Path, seconds: float, duration_s: float) -> list[Excerpt]:
    """Return the cycles of the annotation beside a recording, or windows that cover the recording.

    Windows are as long as a clip and follow each other; the last one ends with the recording and overlaps the one
    before. A recording shorter than a clip is one window. Cycles are cut at the ends of the recording, with a note. An
    annotation without cycles gives windows, with a note.

    Args:
        wav: Recording; its annotation has the same name and another suffix.
        seconds: Length of the recording.
        duration_s: Length of a window in seconds.

    Raises:
        BreathlineError: The annotation cannot be read or parsed, or a cycle lies outside the recording.
    """
    annotation, note = _annotation(wav), None
    if annotation is not None:
        path = annotation[1]
        if cycles := _cycles(*annotation, seconds):
            return [_within(cycle, f"{wav.stem}_{index:03}", seconds, path) for index, cycle in enumerate(cycles)]
        note = f"{path.name} beside the recording has no cycles: windows are predicted"
    return Windows(duration_s, duration_s).cut(seconds, note)


def _annotation(wav: Path) -> tuple[Corpus | None, Path] | None:
    """Return the annotation beside a recording, and the first corpus that has such files; None for an export's name."""
    if not _has_text_beside(wav):
        return None
    from tasks.corpora import registry  # with all adapters; most recordings have no annotation
    from tasks.own_data import annotation_files

    for corpus in map(registry.get, registry.names()):
        path = corpus.annotation(wav)
        if path != wav and _exists(path):
            return corpus, path
    exported = next((path for path in annotation_files.beside(wav) if _exists(path)), None)
    return None if exported is None else (None, exported)


def _has_text_beside(wav: Path) -> bool:
    """Return whether a file beside a recording may be its annotation by its name."""
    try:
        with os.scandir(wav.parent) as entries:
            return any(
                entry.name.startswith(wav.stem) and entry.name.lower().endswith(ANNOTATIONS) for entry in entries
            )
    except OSError:  # the recording itself is told to be missing
        return False


def _exists(path: Path) -> bool:
    """Return whether an annotation exists.

    Raises:
        BreathlineError: A folder, a pipe or a link that leads nowhere has its name.
    """
    if path.is_file() or not os.path.lexists(path):
        return path.is_file()
    kind = "a folder" if path.is_dir() else "no file" if path.exists() else "a link that leads nowhere"
    raise BreathlineError(
        f"{path.name} beside the recording is {kind}, and should be its annotation.",
        where=path,
        hint="put the annotation there, or move it away to have windows predicted",
    )


def _cycles(corpus: Corpus | None, path: Path, seconds: float) -> list[Cycle]:
    """Return the cycles of an annotation; a text file in another format is an error that names the way out."""
    from tasks.corpora.contents import Cycle
    from tasks.own_data import annotation_files

    try:
        if corpus is None:
            raise BreathlineError("No line has a start and an end.", where=path)
        return corpus.read_cycles(path, seconds)
    except BreathlineError as error:
        if marks := annotation_files.read_times(path):  # of Audacity, Raven, or with times only
            return [Cycle(start_s=mark.start_s, end_s=mark.end_s) for mark in marks]
        raise BreathlineError(
            f"{path.name} beside the recording is no annotation: {error.what}",
            where=error.where,
            hint=f"move or rename {path.name} to have windows predicted; or correct it: a line for each cycle with "
            "start and end in seconds, crackles and wheezes (0 or 1); or export labels of Audacity or Raven",
        ) from error


def _within(cycle: Cycle, cycle_id: str, seconds: float, path: Path) -> Excerpt:
    """Return a cycle, cut at the ends of the recording."""
    start, end = max(cycle.start_s, 0.0), min(cycle.end_s, seconds)
    if start >= end:
        raise BreathlineError(
            f"The cycle {cycle_id} ({cycle.start_s:g} to {cycle.end_s:g} s) has no samples: "
            f"the recording lasts {seconds:g} s.",
            where=_line(path, cycle),
            hint=f"correct the times, or move {path.name} away to have windows predicted",
        )
    outside = max(start - cycle.start_s, cycle.end_s - end)
    note = f"annotated from {cycle.start_s:g} to {cycle.end_s:g} s, cut at the ends of the recording"
    return Excerpt(start, end, cycle_id, note if outside > ROUNDING_S else None)


def _line(path: Path, cycle: Cycle) -> str:
    """Return the file and, where its format has one, the line of a cycle."""
    from tasks.own_data import annotation_files

    marks = annotation_files.read_times(path)
    found = next((mark.line for mark in marks if (mark.start_s, mark.end_s) == (cycle.start_s, cycle.end_s)), None)
    return f"{path}:{found}" if found else str(path)
