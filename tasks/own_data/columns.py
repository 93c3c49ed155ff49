"""Columns of a user's table by meaning: usual names, and the mapping that the user gives."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.own_data.problems import Problems
from tasks.runtime.allowed_values import suggestion
from tasks.runtime.words import listed, quoted

# Usual names of each column, the surest first; words of headings in lower case, without units.
USUAL: Mapping[str, tuple[str, ...]] = {
    "file": (
        *("file", "filename", "file name", "audio file", "wav file", "sound file", "recording", "recording id"),
        *("recording name", "wav", "audio", "path", "file path", "filepath", "record", "begin file"),
    ),
    "start": ("start", "begin", "onset", "t0", "start time", "begin time", "time start", "from", "tmin", "start s"),
    "end": ("end", "stop", "offset", "t1", "end time", "stop time", "time end", "to", "tmax", "end s"),
    "duration": ("duration", "dur", "length", "delta time"),
    "label": (
        *("label", "class", "sound", "annotation", "category", "sound type", "lung sound", "sound class", "event"),
        *("type", "target", "labels", "finding", "findings"),
    ),
    "crackle": ("crackle", "crackles", "rales", "crackling"),
    "wheeze": ("wheeze", "wheezes", "wheezing"),
    "patient": (
        *("patient", "patient id", "patient number", "subject", "subject id", "participant", "participant id"),
        *("person", "pid", "case", "case id", "id"),
    ),
    "location": ("location", "site", "position", "chest location", "auscultation site", "body site", "place"),
    "device": ("device", "stethoscope", "microphone", "sensor", "recorder", "equipment"),
    "age": ("age", "age years", "age in years"),
    "sex": ("sex", "gender"),
    "diagnosis": ("diagnosis", "disease", "condition", "pathology"),
    "split": ("split", "set", "subset", "partition", "fold"),
}
FIELDS = tuple(USUAL)
UNIT = "unit"  # of the times: s or ms
_UNITS = {"s": "s", "sec": "s", "secs": "s", "seconds": "s", "second": "s"}
_UNITS |= {"ms": "ms", "msec": "ms", "msecs": "ms", "milliseconds": "ms", "millisecond": "ms"}


def words(heading: str) -> tuple[str, str | None]:
    """Return the words of a heading in lower case, and the unit of time that its last word names."""
    plain = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain)  # startTime
    found = re.findall(r"[a-z0-9]+", spaced.lower())
    unit = _UNITS.get(found[-1]) if len(found) > 1 else None
    return " ".join(found[:-1] if unit else found), unit


def guess(header: Sequence[str]) -> dict[str, str]:
    """Return the column of each field that has a usual name; a column has one meaning."""
    by_words = {words(heading)[0]: heading for heading in reversed(header)}
    found: dict[str, str] = {}
    for field, usual in USUAL.items():
        known = [by_words[name] for name in usual if name in by_words]
        if known and known[0] not in found.values():
            found[field] = known[0]
    return found


def choose(
    header: Sequence[str], given: Mapping[str, str], path: Path, problems: Problems
) -> tuple[dict[str, str], set[str]]:
    """Return the column of each field, and the fields that were guessed.

    Args:
        header: Names of the columns.
        given: Column that the user names for a field; an empty text for a field that is not read.
        path: The table, for problems.
        problems: Collection of the problems, which grows.
    """
    chosen: dict[str, str] = {}
    for field, column in given.items():
        if field == UNIT:
            continue
        if field not in FIELDS:
            what = f"there is no field {quoted(field)}{suggestion(field, FIELDS)}"
            problems.add(f"--map {field}={column}", what, f"use one of: {', '.join((*FIELDS, UNIT))}")
        elif column and column not in header:
            what = f"{path.name} has no column {quoted(column)}{suggestion(column, header)}"
            problems.add(f"--map {field}={column}", what, f"its columns are: {listed(header, 20)}")
        elif column:
            chosen[field] = column
    guessed = {
        field: column
        for field, column in guess([name for name in header if name not in chosen.values()]).items()
        if field not in given
    }
    both = chosen | guessed
    return {field: both[field] for field in FIELDS if field in both}, set(guessed)


def unit(columns: Mapping[str, str]) -> str | None:
    """Return the unit of time that the headings name, or None."""
    named = {words(columns[field])[1] for field in ("start", "end", "duration") if field in columns} - {None}
    return named.pop() if len(named) == 1 else None
