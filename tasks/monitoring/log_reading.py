"""Reading of a log of use, as `tasks.prediction.use_log` writes it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tasks.prediction import use_entries, use_log, use_log_table
from tasks.prediction.use_entries import Entry
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import counted, listed

ENTRY = TypeAdapter(Entry)


@dataclass(frozen=True)
class Use:
    """Content of a log.

    Attributes:
        entries: Entries with their times in UTC, oldest first.
        notes: Facts about the file that its reader should know.
    """

    entries: tuple[tuple[datetime, Entry], ...]
    notes: tuple[str, ...]


def read(path: Path) -> Use:
    """Return the entries of a log of JSON lines, or of a Parquet file.

    A damaged line is left out with a note: a process may end while it writes.

    Raises:
        BreathlineError: The file is missing, holds no entry but other lines, or is from a later version.
    """
    if not path.is_file():
        hint = "name the file of `breathline predict … --log FILE`, or of `serve-model --log FILE`"
        raise BreathlineError("There is no log of use.", where=path, hint=hint)
    found, damaged = [], []
    for number, row in enumerate(_rows(path), 1):
        if isinstance(row, dict) and isinstance(row.get("format"), int) and row["format"] > use_entries.FORMAT:
            what = f"The log has format {row['format']}, and this version reads {use_entries.FORMAT}."
            raise BreathlineError(what, where=f"{path}:{number}", hint="update Breathline: `git pull && make setup`")
        try:
            one = ENTRY.validate_python(row)
            found.append((_time(one.time), one))
        except ValueError:  # also pydantic's, and that of a time
            damaged.append(number)
    if damaged and not found:
        hint = "name the file of `--log`, whose lines are JSON objects with `time`, `file_sha256`, …"
        raise BreathlineError("This is no log of use: no line is an entry.", where=f"{path}:{damaged[0]}", hint=hint)
    found.sort(key=lambda pair: pair[0])
    return Use(tuple(found), tuple(_notes(path, damaged)))


def _rows(path: Path) -> Iterator[Any]:
    """Yield the entries of a log as mappings, and None for a line that is no JSON."""
    if use_log.is_table(path):
        yield from use_log_table.rows(path)
        return
    with path.open("rb") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                yield None


def _time(text: str) -> datetime:
    """Return a time in UTC; one without a zone is taken for UTC."""
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _notes(path: Path, damaged: list[int]) -> Iterator[str]:
    """Yield a note on damaged lines."""
    if damaged:
        lines = listed([str(number) for number in damaged])
        cause = "a process ended while it wrote, or the file was edited"
        yield f"{path.name}: {counted(len(damaged), 'line')} without an entry left out ({lines}): {cause}"
