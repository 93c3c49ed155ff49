"""Generator of a corpus in the layout of ICBHI 2017.

`ICBHI_final_database/` holds `<recording>.wav` and `<recording>.txt`; the split, diagnoses, demographics and folds
are beside it under their official names, in the official formats. No file contains data of the database.

Size: on average a patient has 3.7 recordings of 12 s, 16 cycles, 5 MB. Twenty patients are one whole mix of diagnoses
and devices (`tasks.corpora.demo.cohort`); 250 have as many recordings as ICBHI, 430 as many cycles.
"""

from collections.abc import Iterable
from contextlib import closing
from functools import partial
from pathlib import Path

from tasks.corpora.demo import cohort, render
from tasks.corpora.icbhi.metadata import DEMOGRAPHICS_FILE, DIAGNOSIS_FILE, FOLDS_FILE, SPLIT_FILE
from tasks.runtime import parallel, progress_bars
from tasks.runtime.errors import BreathlineError
from tasks.runtime.hardware import usable_cores

DATABASE = "ICBHI_final_database"
PATIENTS_PER_PROCESS = 8  # at least: the start of a process takes as long as several patients
_FORMAT = """\
The name of a recording is made of five parts, joined by underscores:

patient's number, from 101
index of the recording
chest location: trachea (Tc), or anterior (A), posterior (P), lateral (L), each left (l) or right (r)
acquisition: one channel after the other (sc), or several at once (mc)
device: AKGC417L, LittC2SE, Litt3200 or Meditron

All recordings here are generated; none is of a person.
"""


def generate(
    directory: Path, *, seed: int, patients: int, first: int = cohort.FIRST_NUMBER, workers: int | None = None
) -> None:
    """Write a corpus, with a progress bar.

    Equal seeds give equal bytes, whatever the number of workers; a corpus of more patients holds the same ones first.

    Args:
        directory: Folder of the corpus, which must not have a database yet.
        seed: Random seed of the corpus.
        patients: Number of patients.
        first: Number of the first patient.
        workers: Number of processes; 1 for this process alone. By default at most the number of usable cores, and one
            for each `PATIENTS_PER_PROCESS`.

    Raises:
        BreathlineError: Fewer than two patients, too few for a split, or a directory that holds a database.
    """
    if patients < 2:
        raise BreathlineError(
            f"A demo corpus of {patients} patients has no train and test side.",
            where="corpora: demo.patients",
            hint="use at least 2; 20 patients have all diagnoses and devices",
        )
    database = directory / DATABASE
    if database.exists():
        raise BreathlineError(
            "There is a database already.", where=database, hint="remove it, or choose another folder"
        )
    database.mkdir(parents=True)
    numbers = range(first, first + patients)
    workers = workers or max(1, min(usable_cores(), patients // PATIENTS_PER_PROCESS))
    names = _write_recordings(database, seed, numbers, workers)
    (database / "filename_format.txt").write_text(_FORMAT, encoding="ascii", newline="")
    _write_metadata(directory, [cohort.patient(seed, number) for number in numbers], names)


def _write_recordings(database: Path, seed: int, numbers: range, workers: int) -> dict[int, list[str]]:
    """Write the recordings of all patients, and return their names by patient."""
    write = partial(render.write_patient, database, seed)
    # Both are generators, which `closing` ends.
    written = (
        parallel.in_processes(write, numbers, workers=workers, ahead=2)
        if workers > 1
        else (write(number) for number in numbers)
    )
    with closing(written) as results:
        shown = progress_bars.track(results, "generating patients", len(numbers))
        return dict(zip(numbers, shown, strict=True))


def _write_metadata(directory: Path, people: list[cohort.Patient], names: dict[int, list[str]]) -> None:
    """Write the four metadata files, with the separators and line ends of the official ones."""
    split = [f"{name}\t{person.split}" for person in people for name in names[person.number]]
    diagnoses = [f"{person.number}\t{person.diagnosis}" for person in people]
    demographics = []
    for person in people:
        cells = ("NA" if cell is None else f"{cell}" for cell in person.demographics.values())
        demographics.append("\t".join([str(person.number), *cells]))
    folds = [f"{person.number} {person.fold}" for person in sorted(people, key=lambda person: person.fold)]
    _write_lines(directory / SPLIT_FILE, split, "\r\n")
    _write_lines(directory / DIAGNOSIS_FILE, diagnoses, "\n")
    _write_lines(directory / DEMOGRAPHICS_FILE, demographics, "\r\n")
    _write_lines(directory / FOLDS_FILE, folds, "\n")


def _write_lines(path: Path, lines: Iterable[str], end: str) -> None:
    """Write lines, each with its end."""
    path.write_text("".join(line + end for line in lines), encoding="ascii", newline="")
