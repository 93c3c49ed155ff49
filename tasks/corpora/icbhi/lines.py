"""Reader of text files of a few columns, for all variants in which copies of ICBHI's files circulate."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tasks.runtime.errors import BreathlineError

_MERGE_MARKER = re.compile(r"(<{7}|={7}|>{7}|\|{7})(\s|$)")


class Line(NamedTuple):
    """Row of a text file: its cells, and its place as ``file:line``."""

    cells: list[str]
    where: str


def read(path: Path, columns: int, *, heading: bool) -> Iterator[Line]:
    """Yield the rows of a file.

    Tabs, commas or spaces separate the cells. Any line ends are accepted. A byte order mark, blank lines and trailing
    white space are ignored.

    Args:
        path: The file, in UTF-8, or in UTF-16 with its mark.
        columns: Number of cells of every row.
        heading: Whether the first line may be a heading. It is one if its first word has no digit; names of recordings
            and numbers of patients have digits.

    Raises:
        BreathlineError: The file has an unresolved merge marker, another number of cells, or bytes that are not text.
    """
    for number, line in enumerate(re.split(r"\r\n|\r|\n", _text(path)), start=1):
        where = f"{path}:{number}"
        if not line.strip():
            continue
        if _MERGE_MARKER.match(line):
            raise BreathlineError(
                f"{path.name} has an unresolved merge marker: `{line.strip()}`.",
                where=where,
                hint="keep one of the two versions, or fetch the file again",
            )
        is_heading = heading and not re.search("[0-9]", re.split(r"[\s,]", line.strip())[0])
        heading = False
        if is_heading:
            continue
        yield Line(_cells(line, columns, where), where)


def _text(path: Path) -> str:
    """Return a file's text."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BreathlineError(
            f"{path.name} cannot be read: {error.strerror}.",
            where=path,
            hint="run `download` again; `download.metadata` in params.yaml can name a folder of metadata files",
        ) from error
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BreathlineError(
            f"{path.name} is not a text file (byte {error.start} is not {encoding}).", where=path, hint="fetch it again"
        ) from error


def _cells(line: str, columns: int, where: str) -> list[str]:
    """Return the cells of a line, by the first separator that gives the wanted number; cells may be empty."""
    for text in (line.strip(), line.strip(" ")):  # tabs at the end are empty cells only if cells are missing
        for separator in ("\t", ",", None):
            cells = [cell.strip() for cell in text.split(separator)]
            if len(cells) == columns:
                return cells
    raise BreathlineError(
        f"`{line.strip()}` does not have {columns} columns.",
        where=where,
        hint="correct the line, or fetch the file again",
    )
