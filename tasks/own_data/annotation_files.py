"""Annotation files beside recordings: ICBHI's, Audacity's label tracks, Raven's selection tables, and bare times."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.corpora.table.labels import of_flags
from tasks.own_data import numbers
from tasks.own_data.formats import FORMATS, Format
from tasks.own_data.problems import Problems
from tasks.own_data.sheets import decode
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import quoted

# Endings of the file beside `rec.wav`, instead of `.wav`; Raven's names first.
ENDINGS = (".Table.1.selections.txt", ".selections.txt", "_labels.txt", "_label.txt", ".labels.txt", ".txt", ".tsv")
RAVEN_START, RAVEN_END = "begin time (s)", "end time (s)"
_RAVEN_LABEL = ("annotation", "label", "class", "sound", "type", "species")
_RAVEN_OWN = re.compile(r"(selection|view|channel|.*\(.*\)|begin file|.* path|.* power.*|occupancy|)")
_FLAGS = {"0", "1"}
MAX_BYTES = 4 << 20


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Annotated segment: line in its file, start and end in seconds, and label; None for bare times."""

    line: int
    start_s: float
    end_s: float
    label: str | None


def stem(name: str) -> str | None:
    """Return the stem of the recording that an annotation file belongs to by its name; None for another file."""
    lower = name.lower()
    ending = next((one for one in ENDINGS if lower.endswith(one.lower())), None)
    return name[: -len(ending)] if ending else None


def beside(recording: Path) -> list[Path]:
    """Return the paths at which an annotation of a recording may be."""
    return [recording.with_name(f"{recording.stem}{ending}") for ending in ENDINGS]


def read_times(path: Path) -> list[Mark]:
    """Return the segments of an annotation file by start; none if the file has no known format, or a wrong line."""
    problems = Problems()
    _, marks = read(path, None, problems)
    return [] if problems.found else sorted(marks, key=lambda mark: (mark.start_s, mark.end_s))


def read(path: Path, wanted: Format | None, problems: Problems) -> tuple[Format | None, list[Mark]]:
    """Return the format of an annotation file and its segments in the order of the file.

    Args:
        path: The file.
        wanted: Its format; None to recognise it.
        problems: Collection of the problems, which grows.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BreathlineError("the file is larger than 4 MiB", where=path, hint="it is no annotation: move it away")
        text, _ = decode(path)
    except BreathlineError as error:
        problems.add_error(error, path)
        return None, []
    lines = [(number, line.rstrip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    found = wanted or recognise(lines)
    if found is None and lines:
        what = f"{quoted(lines[0][1])} is no line of a known annotation"
        problems.add(path, what, f"write --annotations with one of {', '.join(FORMATS)}", line=lines[0][0])
        return None, []
    return (found, _READERS[found](path, lines, problems)) if found else (None, [])


def recognise(lines: Sequence[tuple[int, str]]) -> Format | None:
    """Return the format that most lines of an annotation file have, or None."""
    texts = [line for _, line in lines if not line.startswith("\\")]
    heading = [cell.strip().lower() for cell in texts[0].split("\t")] if texts else []
    if {RAVEN_START, RAVEN_END} <= set(heading):
        return "raven"
    kinds = Counter(map(_kind, texts))
    if kinds["audacity"]:
        kinds["audacity"] += kinds.pop("times", 0)  # empty labels
    kind, count = max(kinds.items(), key=lambda item: item[1], default=(None, 0))
    return kind if 2 * count > len(texts) else None


def _kind(line: str) -> Format | None:
    """Return the format of a line, or None."""
    cells = line.split()
    if len(cells) < 2 or None in _times(cells):
        return None
    if len(cells) == 4 and set(cells[2:]) <= _FLAGS:
        return "icbhi"
    return "times" if len(cells) == 2 else "audacity" if "\t" in line else None


def _icbhi(path: Path, lines: Sequence[tuple[int, str]], problems: Problems) -> list[Mark]:
    """Return the segments of lines with start, end, crackles and wheezes."""
    marks = []
    for number, line in lines:
        cells = re.split(r"[\s,]+", line.strip())
        start, end = _times(cells)
        if len(cells) != 4 or start is None or end is None or not set(cells[2:]) <= _FLAGS:
            what = f"{quoted(line)} is not start, end, crackles (0 or 1) and wheezes (0 or 1)"
            problems.add(path, what, "correct the line", line=number)
        else:
            label = of_flags(cells[2] == "1", cells[3] == "1")
            marks.append(Mark(line=number, start_s=start, end_s=end, label=label))
    return marks


def _audacity(path: Path, lines: Sequence[tuple[int, str]], problems: Problems) -> list[Mark]:
    """Return the segments of a label track; lines of a spectral selection begin with a backslash."""
    marks = []
    for number, line in lines:
        if line.startswith("\\"):
            continue
        cells = line.split("\t", 2)
        start, end = _times(cells)
        if start is None or end is None:
            what = f"{quoted(line)} is not start, end and label with tabs between them"
            problems.add(path, what, "export the label track again", line=number)
            continue
        label = cells[2].strip() if len(cells) > 2 else ""
        marks.append(Mark(line=number, start_s=start, end_s=end, label=label))
    return marks


def _raven(path: Path, lines: Sequence[tuple[int, str]], problems: Problems) -> list[Mark]:
    """Return the segments of a selection table, each once, though each view of Raven has a line for it."""
    heading = [cell.strip().lower() for cell in lines[0][1].split("\t")] if lines else []
    if not {RAVEN_START, RAVEN_END} <= set(heading):
        what = "the first line does not name the columns Begin Time (s) and End Time (s)"
        problems.add(path, what, "export the selection table again, with these columns", line=1)
        return []
    usual = [name for name in _RAVEN_LABEL if name in heading]
    others = [name for name in heading if _RAVEN_OWN.fullmatch(name) is None]
    column = next(iter((*usual, *others)), None)
    if column is None:
        problems.add(path, "the selection table has no column of labels", "add a column Annotation in Raven", line=1)
        return []
    marks: dict[tuple[str, float, float], Mark] = {}
    for number, line in lines[1:]:
        cells = dict(zip(heading, (cell.strip() for cell in line.split("\t")), strict=False))
        start, end = _times([cells.get(RAVEN_START, ""), cells.get(RAVEN_END, "")])
        if start is None or end is None:
            problems.add(path, f"{quoted(line)} has no times", "export the selection table again", line=number)
            continue
        mark = Mark(line=number, start_s=start, end_s=end, label=cells.get(column, ""))
        marks.setdefault((cells.get("selection", str(number)), start, end), mark)
    return list(marks.values())


def _bare(path: Path, lines: Sequence[tuple[int, str]], problems: Problems) -> list[Mark]:
    """Return the segments of lines with start and end only."""
    marks = []
    for number, line in lines:
        cells = line.split()
        start, end = _times(cells)
        if len(cells) != 2 or start is None or end is None:
            problems.add(path, f"{quoted(line)} is not start and end in seconds", "correct the line", line=number)
        else:
            marks.append(Mark(line=number, start_s=start, end_s=end, label=None))
    return marks


def _times(cells: Sequence[str]) -> tuple[float | None, float | None]:
    """Return start and end from the first two cells."""
    return (_time(cells[0]), _time(cells[1])) if len(cells) > 1 else (None, None)


def _time(cell: str) -> float | None:
    """Return a time in seconds; programs in other languages write a comma before the decimals."""
    return numbers.number(cell.strip(), comma="." not in cell)


_READERS: dict[Format, Callable[[Path, Sequence[tuple[int, str]], Problems], list[Mark]]] = {
    "icbhi": _icbhi,
    "audacity": _audacity,
    "raven": _raven,
    "times": _bare,
}
