"""Annotation files of ICBHI's format: one respiratory cycle a line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from tasks.corpora.icbhi import lines
from tasks.runtime.errors import BreathlineError


@dataclass(frozen=True, kw_only=True)
class AnnotatedCycle:
    """Respiratory cycle: start and end in seconds, and presence (0 or 1) of crackles and wheezes."""

    start_s: float
    end_s: float
    crackles: int
    wheezes: int


def read(path: Path) -> list[AnnotatedCycle]:
    """Return the cycles of one recording in the order of its annotation file.

    Raises:
        BreathlineError: A row is not two times and two flags; file and line are named.
    """
    cycles = []
    for (start, end, crackles, wheezes), where in lines.read(path, 4, heading=False):
        cycles.append(
            AnnotatedCycle(
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
        raise BreathlineError(f"`{cell}` is not a time in seconds.", where=where, hint="correct the annotation")
    return value


def _flag(cell: str, name: str, where: str) -> int:
    """Return a flag, 0 or 1."""
    if cell not in {"0", "1"}:
        raise BreathlineError(f"`{cell}` is not a flag for {name}.", where=where, hint="write 0 or 1")
    return int(cell)
