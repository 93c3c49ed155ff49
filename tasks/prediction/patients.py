"""Patients of recordings: by a table of the user, or by the names of published corpora."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.runtime.errors import BreathlineError

COLUMNS = ("recording", "patient")


def read(path: Path) -> dict[str, str]:
    """Return the patient of each recording in a CSV table with the columns `recording` and `patient`.

    Args:
        path: Table; `recording` is the name of a file, with or without its suffix.

    Raises:
        BreathlineError: The table cannot be read, lacks a column, or gives a recording two patients.
    """
    hint = f"write a CSV file with the columns {' and '.join(COLUMNS)}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise BreathlineError(f"The table has no column {missing[0]}.", where=path, hint=hint)
            found: dict[str, str] = {}
            for row in reader:
                name, patient = ((row[column] or "").strip() for column in COLUMNS)
                if not name or not patient:
                    what = "A row lacks its recording or its patient."
                    raise BreathlineError(what, where=f"{path}:{reader.line_num}", hint="fill it in, or remove it")
                if found.setdefault(name, patient) != patient:
                    what = f"The recording {name} has two patients, {found[name]} and {patient}."
                    raise BreathlineError(what, where=f"{path}:{reader.line_num}", hint="correct one of them")
    except OSError as error:
        raise BreathlineError(f"The table cannot be read: {error.strerror}.", where=path, hint=hint) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BreathlineError(f"The table is no CSV file in UTF-8: {error}.", where=path, hint=hint) from error
    return found


def find(recordings: Sequence[Path], table: Mapping[str, str] | None) -> dict[Path, str]:
    """Return the patient of each recording, as far as it is known.

    Without a table, the patient is in the name if all names have the form of one published corpus.

    Args:
        recordings: Recordings.
        table: Patient of each recording by name (`read`).

    Raises:
        BreathlineError: The table names no recording that was given.
    """
    if table is not None:
        named = {path: table.get(path.name, table.get(path.stem)) for path in recordings}
        if recordings and not any(named.values()):
            raise BreathlineError(
                "The table of patients names no recording that was given.",
                where=recordings[0],
                hint="write the names of the files in its column `recording`",
            )
        return {path: patient for path, patient in named.items() if patient is not None}
    if len(recordings) < 2:  # no summary of a patient, and the adapters take 0.3 s to import
        return {}
    from tasks.corpora import registry

    names = {path.stem for path in recordings}
    corpus = registry.recognise(names)
    if corpus is None or not all(map(corpus.is_name, names)):
        return {}
    patients = {path: corpus.patient_of(path.stem) for path in recordings}
    return {path: patient for path, patient in patients.items() if patient is not None}
