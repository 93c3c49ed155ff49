"""Reader of text files of a few columns, for all variants in which copies of ICBHI's files circulate."""

import codecs
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import quoted

MAX_BYTES = 4 << 20  # the largest published file has 40 kB
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
        BreathlineError: The file is not a text file of at most `MAX_BYTES`, has an unresolved merge marker, or another
            number of cells in a row.
    """
    for number, line in enumerate(re.split(r"\r\n|\r|\n", _text(path)), start=1):
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


def _text(path: Path) -> str:
    """Return a file's text."""
    try:
        if path.exists() and not path.is_file():  # reading a pipe or a device may never end
            raise BreathlineError(f"{path.name} is not a regular file.", where=path, hint="put the text file there")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BreathlineError(
            f"{path.name} cannot be read: {error.strerror}.",
            where=path,
            hint="run `download` again; `download.metadata` in params.yaml can name a folder of metadata files",
        ) from error
    if len(data) > MAX_BYTES:
        what = f"{path.name} has {path.stat().st_size:,} bytes; a text file of the corpus has at most {MAX_BYTES:,}."
        raise BreathlineError(what, where=path, hint="this is another file: fetch the right one again")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BreathlineError(
            f"{path.name} is not a text file (byte {error.start} is not {encoding}).", where=path, hint="fetch it again"
        ) from error
    if "\0" in text:
        line = len(re.findall(r"\r\n|\r|\n", text[: text.index("\0")])) + 1
        raise BreathlineError(
            f"{path.name} is not a text file: it contains a null character.",
            where=f"{path}:{line}",
            hint="save it as UTF-8, or fetch it again",
        )
    return text


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
