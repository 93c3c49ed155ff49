"""Annotation files of HF_Lung: a line for each interval, with its token, start and end."""

import re
from dataclasses import dataclass
from pathlib import Path

from tasks.corpora import text_lines
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import quoted

COLUMNS = ("token", "start", "end")
PHASES = {"I": "inhalation", "E": "exhalation"}
SOUNDS = ("D", "Wheeze", "Rhonchi", "Stridor")  # D: discontinuous sounds, all of them crackles
# A sound belongs to a breath phase if the two overlap by this much, or by the whole sound if it is shorter.
OVERLAP_S = 0.1
_TIME = re.compile(r"([0-9]{1,2}):([0-5][0-9]):([0-5][0-9](?:\.[0-9]{1,9})?)")
_ROUNDING_S = 1e-9


@dataclass(frozen=True, kw_only=True, order=True)
class Interval:
    """Annotated interval: start and end in seconds, and its token."""

    start_s: float
    end_s: float
    token: str


@dataclass(frozen=True, kw_only=True)
class Breath:
    """Inhalation or exhalation, and the sounds that lie in it, in the order of `SOUNDS`."""

    start_s: float
    end_s: float
    phase: str
    sounds: tuple[str, ...]


def read(path: Path) -> list[Interval]:
    """Return the intervals of one recording by start.

    Raises:
        BreathlineError: A row is not a token and two times; file and line are named.
    """
    rows = text_lines.read(path, COLUMNS, heading=False)
    return sorted(
        Interval(start_s=_seconds(start, where), end_s=_seconds(end, where), token=_token(token, where))
        for (token, start, end), where in rows
    )


def breaths(intervals: list[Interval]) -> list[Breath]:
    """Return the inhalations and exhalations among intervals, with the sounds that lie in each."""
    return [
        Breath(
            start_s=one.start_s,
            end_s=one.end_s,
            phase=PHASES[one.token],
            sounds=tuple(
                sound for sound in SOUNDS if any(other.token == sound and lies_in(other, one) for other in intervals)
            ),
        )
        for one in intervals
        if one.token in PHASES
    ]


def outside(intervals: list[Interval]) -> int:
    """Return the number of sounds that lie in no inhalation or exhalation."""
    phases = [one for one in intervals if one.token in PHASES]
    return sum(one.token in SOUNDS and not any(lies_in(one, phase) for phase in phases) for one in intervals)


def lies_in(sound: Interval, breath: Interval) -> bool:
    """Return whether at least `OVERLAP_S` of a sound, or all of a shorter one, lies in a breath."""
    overlap = min(sound.end_s, breath.end_s) - max(sound.start_s, breath.start_s)
    return overlap > 0 and overlap >= min(OVERLAP_S, sound.end_s - sound.start_s) - _ROUNDING_S


def _token(cell: str, where: str) -> str:
    """Return a token."""
    if cell not in (*PHASES, *SOUNDS):
        raise BreathlineError(
            f"{quoted(cell)} is no token of HF_Lung.", where=where, hint=f"use one of: {', '.join((*PHASES, *SOUNDS))}"
        )
    return cell


def _seconds(cell: str, where: str) -> float:
    """Return a time in seconds."""
    match = _TIME.fullmatch(cell)
    if match is None:
        raise BreathlineError(f"{quoted(cell)} is not a time.", where=where, hint="write it as 00:00:01.500")
    hours, minutes, seconds = map(float, match.groups())
    return 3600 * hours + 60 * minutes + seconds
