"""Lines of ICBHI's metadata files by the patients that they name."""

import codecs
import re
from collections.abc import Collection
from pathlib import Path

_BOM = "\ufeff"


def remove_patients(folder: Path, patients: Collection[str]) -> None:
    """Remove the lines that name some patients from the files in a folder; all other bytes stay."""
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        encoding, bom, lines, errors = _lines(data)
        kept = "".join(line for line in lines if not _numbers(line).intersection(patients))
        if (content := (bom + kept).encode(encoding, errors)) != data:
            path.write_bytes(content)


def patients_named(data: bytes) -> set[str]:
    """Return the patients that the lines of a metadata file name."""
    return {number for line in _lines(data)[2] for number in _numbers(line)}


def _lines(data: bytes) -> tuple[str, str, list[str], str]:
    """Return a file's encoding, byte order mark, lines with their ends, and treatment of undecodable bytes."""
    encoding, errors = "utf-8", "surrogateescape"  # undecodable bytes stay as they are
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):
            encoding, errors = name, "surrogatepass"
    text = data.decode(encoding, errors)
    bom = _BOM if text.startswith(_BOM) else ""
    return encoding, bom, re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text.removeprefix(bom)), errors


def _numbers(line: str) -> set[str]:
    """Return the number of the patient that a line begins with, and of those whose recordings it names."""
    first = re.match(r"\s*['\"]?(\d+)(?=[\s,'\"]|$)", line)
    inside = re.findall(r"(?<!\d)(\d+)_\d+[a-z]\d+_", line)
    return {str(int(number)) for number in [*inside, *([first[1]] if first else [])]}
