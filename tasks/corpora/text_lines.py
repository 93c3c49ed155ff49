"""Reader of text files of a few columns; separators, line ends and headings may vary."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tasks.corpora.text_files import read_text
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import quoted

_MERGE_MARKER = re.compile(r"(<{7}|={7}|>{7}|\|{7})(\s|$)")


class Line(NamedTuple):
    """Row of a text file: its cells, and its place as ``file:line``."""

    cells: list[str]
    where: str


def read(path: Path, columns: Sequence[str], *, heading: bool) -> Iterator[Line]:
    """Yield the rows of a file.

    Tabs, commas or spaces separate the cells. Any line ends are accepted. A byte order mark, blank lines and trailing
    white space are ignored.

    Args:
        path: The file, in UTF-8, or in UTF-16 with its mark.
        columns: Names of the columns, for messages; every row has as many cells.
        heading: Whether the first line may be a heading. It is one if its first word has no digit; names of recordings
            and numbers of patients have digits.

    Raises:
        BreathlineError: The file is not text (`read_text`), has an unresolved merge marker, or another number of cells
            in a row.
    """
    for number, line in enumerate(re.split(r"\r\n|\r|\n", read_text(path)), start=1):
        where = f"{path}:{number}"
        if not line.strip():
            continue
        if _MERGE_MARKER.match(line):
            raise BreathlineError(
                f"{path.name} has an unresolved merge marker: {quoted(line.strip())}.",
                where=where,
                hint="keep one of the two versions, or fetch the file again",
            )
        is_heading = heading and not re.search("[0-9]", re.split(r"[\s,]", line.strip())[0])
        heading = False
        if is_heading:
            continue
        yield Line(_cells(line, columns, where), where)


def _cells(line: str, columns: Sequence[str], where: str) -> list[str]:
    """Return the cells of a line, by the first separator that gives the wanted number; cells may be empty."""
    for text in (line.strip(), line.strip(" ")):  # tabs at the end are empty cells only if cells are missing
        for separator in ("\t", ",", None):
            cells = [cell.strip() for cell in text.split(separator)]
            if len(cells) == len(columns):
                return cells
    raise BreathlineError(
        f"{quoted(line.strip())} does not have the {len(columns)} columns {', '.join(columns)}.",
        where=where,
        hint="correct the line, or fetch the file again",
    )
