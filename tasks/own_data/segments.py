"""Annotated segments of a user's recordings, as a table or annotation files write them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tasks.corpora.table import labels
from tasks.corpora.table.facts import SUFFIXES
from tasks.own_data import annotation_files, numbers
from tasks.own_data.audio import Folder
from tasks.own_data.formats import Format
from tasks.own_data.problems import Problems, rows
from tasks.own_data.sheets import Sheet
from tasks.runtime.words import listed, quoted

FACTS = ("patient", "location", "device", "age", "sex", "diagnosis", "split")  # fields of a recording
TIMES = ("start", "end", "duration")


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Annotated segment of a recording.

    Attributes:
        source: File that has the annotation.
        line: Its line or row.
        file: Path of the audio file within its folder.
        start: Start in the unit of the source; None for the whole recording.
        end: End, likewise.
        label: Label as written; None for a segment without one.
    """

    source: Path
    line: int
    file: str
    start: float | None
    end: float | None
    label: str | None


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Text about a recording, and its row."""

    source: Path
    line: int
    text: str


@dataclass
class Annotated:
    """Segments, and texts about their recordings.

    Attributes:
        segments: Segments in the order of their sources.
        facts: Texts by file and field.
        format: Format of the annotation files, if there are any.
    """

    segments: list[Segment] = field(default_factory=list)
    facts: dict[str, dict[str, list[Fact]]] = field(default_factory=dict)
    format: Format | None = None

    def add_fact(self, file: str, name: str, fact: Fact) -> None:
        """Add a text about a recording."""
        self.facts.setdefault(file, {}).setdefault(name, []).append(fact)

    def text(self, file: str, name: str) -> str:
        """Return the first text about a recording that is known; an empty one if none is."""
        return next((fact.text for fact in self.facts.get(file, {}).get(name, ())), "")


def from_table(sheet: Sheet, columns: Mapping[str, str], folder: Folder, problems: Problems) -> Annotated:
    """Return the segments and facts of a table, a row a segment or a row a recording.

    Args:
        sheet: The table.
        columns: Column of each field.
        folder: The audio files.
        problems: Collection of the problems, which grows.
    """
    found = Annotated()
    places = {name: sheet.header.index(column) for name, column in columns.items()}
    files = _files(sheet, places["file"], folder, problems)
    timed = [places[name] for name in TIMES if name in places]
    comma = numbers.has_decimal_comma(cells[place] for _, cells in sheet.rows for place in timed)
    for line, cells in sheet.rows:
        file = files[cells[places["file"]]]
        row = {name: cells[place] for name, place in places.items()}
        times = _times(row, comma, sheet.path, line, problems)
        label = _label(row, sheet.path, line, problems)
        if file is None:
            continue
        for name in FACTS:
            if name in row and not numbers.is_unknown(row[name]):
                found.add_fact(file, name, Fact(source=sheet.path, line=line, text=row[name]))
        if times is not None:
            start, end = times
            found.segments.append(Segment(source=sheet.path, line=line, file=file, start=start, end=end, label=label))
    return found


def _files(sheet: Sheet, place: int, folder: Folder, problems: Problems) -> dict[str, str | None]:
    """Return the audio file of each cell of the column of files, or None with a problem."""
    lines: dict[str, list[int]] = {}
    for line, cells in sheet.rows:
        lines.setdefault(cells[place], []).append(line)
    found: dict[str, str | None] = {}
    for cell, numbered in lines.items():
        matches = folder.match(cell) if cell else []
        found[cell] = matches[0] if len(matches) == 1 else None
        if not cell:
            problems.add(sheet.path, f"no file is named ({rows(numbered)})", "fill in the file", line=numbered[0])
        elif not matches:
            what = f"{quoted(cell)} is not in {folder.root} ({rows(numbered)})"
            problems.add(sheet.path, what, "add the audio file, or remove the rows", line=numbered[0])
        elif len(matches) > 1:
            what = f"{quoted(cell)} can be {listed(matches)}"
            problems.add(sheet.path, what, "write the path within the folder", line=numbered[0])
    return found


def _times(
    row: Mapping[str, str], comma: bool, path: Path, line: int, problems: Problems
) -> tuple[float | None, float | None] | None:
    """Return start and end of a row; None and None for the whole recording; None with a problem if they are wrong."""
    cells = {name: row[name] for name in TIMES if name in row}
    if "start" not in cells or len(cells) == 1 or all(numbers.is_unknown(cell) for cell in cells.values()):
        return None, None  # a duration alone is that of the recording
    values = {name: numbers.number(cell, comma=comma) for name, cell in cells.items()}
    start, end, duration = (values.get(name) for name in TIMES)
    if end is None and start is not None and duration is not None and numbers.is_unknown(cells.get("end", "")):
        end = start + duration
    wanted = "end" if "end" in cells else "duration"
    for name, value in (("start", start), (wanted, end)):
        if value is None:
            what = f"{quoted(cells.get(name, ''))} is no time in the column of {name}"
            problems.add(path, what, "write a number, such as 12.5", line=line)
    return (start, end) if start is not None and end is not None else None


def _label(row: Mapping[str, str], path: Path, line: int, problems: Problems) -> str | None:
    """Return the label of a row, or that of its flags for crackles and wheezes; None if the table has neither."""
    if "label" in row:
        return row["label"]
    cells = {name: row[name] for name in ("crackle", "wheeze") if name in row}
    flags = {name: numbers.flag(cell) for name, cell in cells.items()}
    for name, value in flags.items():
        if value is None:
            what = f"{quoted(cells[name])} is no flag in the column of {name}"
            problems.add(path, what, "write 0 or 1", line=line)
    return labels.of_flags(bool(flags.get("crackle")), bool(flags.get("wheeze"))) if flags else None


def from_annotations(folder: Folder, wanted: Format | None, about: Annotated | None, problems: Problems) -> Annotated:
    """Return the segments of annotation files beside the recordings, or elsewhere in the folder under their names.

    Args:
        folder: The audio files.
        wanted: Format of the annotation files; None to recognise it.
        about: Facts and labels of the recordings from a table.
        problems: Collection of the problems, which grows.
    """
    found = Annotated(facts=about.facts if about else {})
    whole = {one.file: one.label for one in about.segments if one.label is not None} if about else {}
    formats: dict[Format, list[str]] = {}
    for file, name in _beside(folder).items():
        path = folder.root / name
        kind, marks = annotation_files.read(path, wanted, problems)
        if kind:
            formats.setdefault(kind, []).append(name)
        for mark in marks:
            label = mark.label if mark.label is not None or not whole else whole.get(file, "")
            found.segments.append(
                Segment(source=path, line=mark.line, file=file, start=mark.start_s, end=mark.end_s, label=label)
            )
    if not formats:
        hint = "name a table by --table, or put an annotation file of the same name beside each recording"
        problems.add(folder.root, "no annotation file belongs to a recording by its name", hint)
    elif len(formats) > 1:
        texts = ", ".join(f"{name} ({len(files)}, such as {files[0]})" for name, files in formats.items())
        problems.add(folder.root, f"the annotation files have several formats: {texts}", "choose by --annotations")
    else:
        found.format = next(iter(formats))
        if found.format == "times" and not any(segment.label for segment in found.segments):
            what = f"{listed(formats['times'])}: bare times have no labels to learn or to test"
            hint = "add labels (as an Audacity label track), or a table with a label for each recording; `breathline"
            problems.add(folder.root, what, f"{hint} predict` reads bare times")
    return found


def _beside(folder: Folder) -> dict[str, str]:
    """Return the annotation file of each audio file: in its folder, or the only one of its name elsewhere."""
    beside: dict[tuple[str, str], str] = {}
    anywhere: dict[str, list[str]] = {}
    for name in folder.others:
        path = PurePosixPath(name)
        stem = annotation_files.stem(path.name)
        if stem is None:
            continue
        stem = str(PurePosixPath(stem).with_suffix("")) if f".{stem.rpartition('.')[2].lower()}" in SUFFIXES else stem
        beside.setdefault((str(path.parent), stem), name)
        anywhere.setdefault(stem, []).append(name)
    found = {}
    for file in folder.audio:
        path = PurePosixPath(file)
        others = anywhere.get(path.stem, [])
        nearest = beside.get((str(path.parent), path.stem)) or (others[0] if len(others) == 1 else None)
        if nearest:
            found[file] = nearest
    return found
