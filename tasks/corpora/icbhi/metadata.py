"""Readers of ICBHI's metadata files: official split, diagnoses, demographics and folds."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tasks.corpora import text_lines
from tasks.corpora.contents import Correction
from tasks.corpora.icbhi import names
from tasks.corpora.icbhi.labels import DIAGNOSES
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import quoted

Key = TypeVar("Key")
Value = TypeVar("Value")

SPLIT_FILE = "ICBHI_challenge_train_test.txt"
DIAGNOSIS_FILE = "ICBHI_Challenge_diagnosis.txt"
DEMOGRAPHICS_FILE = "ICBHI_Challenge_demographic_information.txt"
FOLDS_FILE = "patient_list_foldwise.txt"

_UNKNOWN = {"", "na", "n/a", "n.a.", "nan", "none", "null", "-", "?"}
_SEXES = {"f": "F", "female": "F", "m": "M", "male": "M"}
# Columns of demographics: age in years, sex F or M, BMI of adults in kg/m², weight in kg, height in cm.
DEMOGRAPHICS = ("age", "sex", "icbhi_bmi", "icbhi_weight_kg", "icbhi_height_cm")
_DIAGNOSES = {diagnosis.lower(): diagnosis for diagnosis in DIAGNOSES}
MAX_MEASUREMENT = 1000  # in years, kg/m², kg and cm
_MEASUREMENT = re.compile(r"([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, kw_only=True)
class Match:
    """Names of the split file matched with those of the recordings; all are sorted by name.

    Attributes:
        recording_ids: Recording of each name in the split file.
        corrections: Names of the split file that differ from those of their recordings.
        missing: Names of the split file without a recording.
        unlisted: Recordings that the split file does not name.
    """

    recording_ids: dict[str, str]
    corrections: list[Correction]
    missing: list[str]
    unlisted: list[str]


def read_split(path: Path) -> dict[str, str]:
    """Return the side, ``train`` or ``test``, of every recording in the official split.

    Raises:
        BreathlineError: A row cannot be read or contradicts an earlier one; file and line are named.
    """
    rows = []
    for (name, subset), where in text_lines.read(path, ("recording", "train or test"), heading=True):
        recording_id = name.strip("'\"")
        if recording_id.lower().endswith((".wav", ".txt")):
            recording_id = recording_id[:-4]
        names.parse(recording_id, where=where)
        if subset.lower() not in ("train", "test"):
            raise BreathlineError(f"{quoted(subset)} is neither train nor test.", where=where, hint="correct the line")
        rows.append((recording_id, subset.lower(), where))
    return _unique(path, rows)


def read_diagnosis(path: Path) -> dict[str, str]:
    """Return the diagnosis of every patient with one, as written in `labels.DIAGNOSES`.

    Raises:
        BreathlineError: As for `read_split`, or a diagnosis is unknown to ICBHI.
    """
    rows = []
    for (patient, diagnosis), where in text_lines.read(path, ("patient", "diagnosis"), heading=True):
        if diagnosis.lower() not in _UNKNOWN and diagnosis.lower() not in _DIAGNOSES:
            what = f"{quoted(diagnosis)} is not a diagnosis of ICBHI."
            raise BreathlineError(what, where=where, hint=f"one of: {', '.join(DIAGNOSES)}")
        rows.append((_patient(patient, where), _DIAGNOSES.get(diagnosis.lower()), where))
    return {patient: diagnosis for patient, diagnosis in _unique(path, rows).items() if diagnosis is not None}


def read_demographics(path: Path) -> dict[str, dict[str, Any]]:
    """Return the demographics of every patient by column; unknown values are None.

    Raises:
        BreathlineError: As for `read_split`.
    """
    rows = []
    for (patient, age, sex, *sizes), where in text_lines.read(path, ("patient", *DEMOGRAPHICS), heading=True):
        if sex.lower() not in _UNKNOWN and sex.lower() not in _SEXES:
            raise BreathlineError(f"{quoted(sex)} is not a sex.", where=where, hint="write F, M or NA")
        values = (_number(age, where), _SEXES.get(sex.lower()), *(_number(size, where) for size in sizes))
        rows.append((_patient(patient, where), dict(zip(DEMOGRAPHICS, values, strict=True)), where))
    return _unique(path, rows)


def read_folds(path: Path) -> dict[str, int]:
    """Return the fold, 0 to 4, in which each patient is tested.

    Raises:
        BreathlineError: As for `read_split`.
    """
    rows = []
    for (patient, fold), where in text_lines.read(path, ("patient", "fold"), heading=True):
        if fold not in {"0", "1", "2", "3", "4"}:
            raise BreathlineError(f"{quoted(fold)} is not a fold.", where=where, hint="write 0 to 4")
        rows.append((_patient(patient, where), int(fold), where))
    return _unique(path, rows)


def match(split_names: Iterable[str], audio_names: Iterable[str]) -> Match:
    """Match the names of the split file with the recordings.

    Equal names match first. Other names match without their device, if the rest is unique on both sides: the official
    split file has ``226_1b1_Pl_sc_Meditron`` for ``226_1b1_Pl_sc_LittC2SE``. Copies of it with both names match both
    with the one recording.
    """
    split, audio = sorted(set(split_names)), sorted(set(audio_names))
    recording_ids = {name: name for name in set(split) & set(audio)}
    left = {name: names.parse(name).without_device for name in split if name not in recording_ids}
    places = {name: names.parse(name).without_device for name in audio}
    in_split, in_audio = Counter(left.values()), Counter(places.values())
    by_place = {place: name for name, place in places.items() if in_audio[place] == 1}
    corrections = []
    for name, place in left.items():
        if in_split[place] == 1 and place in by_place:
            recording_ids[name] = by_place[place]
            corrections.append(Correction(name_in_split=name, recording_id=by_place[place]))
    named = set(recording_ids.values())
    return Match(
        recording_ids=dict(sorted(recording_ids.items())),
        corrections=corrections,
        missing=[name for name in split if name not in recording_ids],
        unlisted=[name for name in audio if name not in named],
    )


def _unique(path: Path, rows: Iterable[tuple[Key, Value, str]]) -> dict[Key, Value]:
    """Return rows by key; equal rows of one key are allowed, different ones are an error."""
    values: dict[Key, Value] = {}
    places: dict[Key, str] = {}
    for key, value, where in rows:
        if values.setdefault(key, value) != value:
            raise BreathlineError(
                f"{path.name} contradicts itself about {key}: another value is at {places[key]}.",
                where=where,
                hint="remove the wrong line",
            )
        places.setdefault(key, where)
    if not values:
        raise BreathlineError(f"{path.name} has no rows.", where=path, hint="fetch it again")
    return values


def _patient(cell: str, where: str) -> str:
    """Return a patient's number."""
    if re.fullmatch(rf"0*[0-9]{{1,{names.MAX_DIGITS}}}", cell) is None:
        raise BreathlineError(f"{quoted(cell)} is not the number of a patient.", where=where, hint="correct the line")
    return cell.lstrip("0") or "0"


def _number(cell: str, where: str) -> float | None:
    """Return a measurement, or None if it is unknown."""
    if cell.lower() in _UNKNOWN:
        return None
    if _MEASUREMENT.fullmatch(cell) is None or float(cell) > MAX_MEASUREMENT:
        raise BreathlineError(
            f"{quoted(cell)} is not an age, BMI, weight or height.",
            where=where,
            hint=f"write a number of at most {MAX_MEASUREMENT}, or NA",
        )
    return float(cell)
