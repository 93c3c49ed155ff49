"""Annotation files of ICBHI's format: one respiratory cycle a line."""

import re
from pathlib import Path

from tasks.corpora import text_lines
from tasks.corpora.contents import Cycle
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import quoted

COLUMNS = ("start in seconds", "end in seconds", "crackles (0 or 1)", "wheezes (0 or 1)")
MAX_SECONDS = 1e6  # eleven days; no recording is as long
_TIME = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


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
        for (start, end, crackles, wheezes), where in text_lines.read(path, COLUMNS, heading=False)
    ]


def cycle(start_s: float, end_s: float, *, crackles: int, wheezes: int) -> Cycle:
    """Return a respiratory cycle; the flags are 0 or 1."""
    return Cycle(start_s=start_s, end_s=end_s, own={"icbhi_crackles": crackles, "icbhi_wheezes": wheezes})


def _time(cell: str, where: str) -> float:
    """Return a time in seconds."""
    if _TIME.fullmatch(cell) is None:
        raise BreathlineError(f"{quoted(cell)} is not a time in seconds.", where=where, hint="correct the annotation")
    value = float(cell)
    if abs(value) > MAX_SECONDS:
        raise BreathlineError(
            f"{quoted(cell)} is not a time in seconds: no recording lasts {MAX_SECONDS:,.0f} s.",
            where=where,
            hint="correct the annotation",
        )
    return value


def _flag(cell: str, name: str, where: str) -> int:
    """Return a flag, 0 or 1."""
    if cell not in {"0", "1"}:
        raise BreathlineError(f"{quoted(cell)} is not a flag for {name}.", where=where, hint="write 0 or 1")
    return int(cell)
