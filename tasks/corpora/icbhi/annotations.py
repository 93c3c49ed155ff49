"""ICBHI's annotation files: one respiratory cycle a line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from tasks.corpora.icbhi import lines
from tasks.runtime.errors import BreathlineError


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """One respiratory cycle: its place in the recording in seconds, and whether (0 or 1) adventitious sounds occur."""

    start_s: float
    end_s: float
    crackles: int
    wheezes: int


def read(path: Path) -> list[Cycle]:
    """Return the cycles of one recording in the order of its annotation file.

    Whether the times make sense (order, overlap, inside the audio) is left to validation, which names all such
    cycles at once.

    Raises:
        BreathlineError: A row is not two times and two flags; file and line are named.
    """
    cycles = []
    for (start, end, crackles, wheezes), where in lines.read(path, 4, heading=False):
        cycles.append(
            Cycle(
                start_s=_time(start, where),
                end_s=_time(end, where),
                crackles=_flag(crackles, "crackles", where),
                wheezes=_flag(wheezes, "wheezes", where),
            )
        )
    return cycles


def _time(cell: str, where: str) -> float:
    """Return a time in seconds."""
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BreathlineError(f"`{cell}` is no time in seconds.", where=where, hint="correct the annotation")
    return value


def _flag(cell: str, name: str, where: str) -> int:
    """Return a flag, 0 or 1."""
    if cell not in {"0", "1"}:
        raise BreathlineError(
            f"`{cell}` does not say whether there are {name}.", where=where, hint="0 or 1 is expected"
        )
    return int(cell)
