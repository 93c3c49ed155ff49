"""Annotation files of ICBHI's format: one respiratory cycle a line."""

import math
from pathlib import Path

from tasks.corpora.base import Cycle
from tasks.corpora.icbhi import lines
from tasks.runtime.errors import BreathlineError


def read(path: Path) -> list[Cycle]:
    """Return the cycles of one recording in the order of its annotation file.

    Raises:
        BreathlineError: A row is not two times and two flags; file and line are named.
    """
    return [
        cycle(
            _time(start, where),
            _time(end, where),
            crackles=_flag(crackles, "crackles", where),
            wheezes=_flag(wheezes, "wheezes", where),
        )
        for (start, end, crackles, wheezes), where in lines.read(path, 4, heading=False)
    ]


def cycle(start_s: float, end_s: float, *, crackles: int, wheezes: int) -> Cycle:
    """Return a respiratory cycle; the flags are 0 or 1."""
    return Cycle(start_s=start_s, end_s=end_s, own={"icbhi_crackles": crackles, "icbhi_wheezes": wheezes})


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
