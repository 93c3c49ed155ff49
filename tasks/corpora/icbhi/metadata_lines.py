"""Lines of ICBHI's metadata files by the patients that they name."""

import codecs
import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

_BOM = "\ufeff"


class _Text(NamedTuple):
    encoding: str
    errors: str  # treatment of bytes that cannot be decoded
    bom: str  # byte order mark, or an empty text
    lines: list[str]  # lines with their ends
    tail: bytes  # last byte of UTF-16 of an odd length


def remove_patients(folder: Path, patients: Collection[str]) -> None:
    """Remove the lines that name some patients from the files in a folder; all other bytes stay."""
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        text = _decode(data)
        kept = "".join(line for line in text.lines if not _numbers(line).intersection(patients))
        if (content := (text.bom + kept).encode(text.encoding, text.errors) + text.tail) != data:
            path.write_bytes(content)


def patients_named(data: bytes) -> set[str]:
    """Return the patients that the lines of a metadata file name."""
    return {number for line in _decode(data).lines for number in _numbers(line)}


def _decode(data: bytes) -> _Text:
    """Return the content of a file, which has equal bytes when it is encoded again."""
    encoding, errors, tail = "utf-8", "surrogateescape", b""
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):
            encoding, errors, tail = name, "surrogatepass", data[len(data) // 2 * 2 :]
    text = data[: len(data) - len(tail)].decode(encoding, errors)
    bom = _BOM if text.startswith(_BOM) else ""
    lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text.removeprefix(bom))
    return _Text(encoding, errors, bom, lines, tail)


def _numbers(line: str) -> set[str]:
    """Return the number of the patient that a line begins with, and of those whose recordings it names."""
    first = re.match(r"\s*['\"]?([0-9]+)(?=[\s,'\"]|$)", line)
    inside = re.findall(r"(?<![0-9])([0-9]+)_[0-9]+[a-z][0-9]+_", line)
    return {number.lstrip("0") or "0" for number in [*inside, *([first[1]] if first else [])]}
