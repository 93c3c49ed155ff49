"""ICBHI's metadata files: the official split, diagnoses, demographics and folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tasks.corpora.base import Correction
from tasks.corpora.icbhi import lines, names
from tasks.corpora.icbhi.labels import DIAGNOSES
from tasks.runtime.errors import BreathlineError

Key = TypeVar("Key")
Value = TypeVar("Value")

SPLIT_FILE = "ICBHI_challenge_train_test.txt"
DIAGNOSIS_FILE = "ICBHI_Challenge_diagnosis.txt"
DEMOGRAPHICS_FILE = "ICBHI_Challenge_demographic_information.txt"
FOLDS_FILE = "patient_list_foldwise.txt"

_UNKNOWN = {"", "na", "n/a", "n.a.", "nan", "none", "null", "-", "?"}
_SEXES = {"f": "F", "female": "F", "m": "M", "male": "M"}
_DIAGNOSES = {diagnosis.lower(): diagnosis for diagnosis in DIAGNOSES}


@dataclass(frozen=True, kw_only=True)
class Demographics:
    """A patient: age in years, sex F or M, BMI (of adults) in kg/m², weight in kg and height in cm (of children)."""

    age: float | None
    sex: str | None
    bmi: float | None
    weight_kg: float | None
    height_cm: float | None


@dataclass(frozen=True, kw_only=True)
class Match:
    """How the names of the split file and those of the audio files fit together; everything is sorted by name.

    `recording_ids` leads from a name in the split file to the recording; `corrections` are those of them that differ;
    `missing` are names of the split file without audio; `unlisted` are recordings that the split file does not name.
    """

    recording_ids: dict[str, str]
    corrections: list[Correction]
    missing: list[str]
    unlisted: list[str]


def read_split(path: Path) -> dict[str, str]:
    """Return the subset, ``train`` or ``test``, of every recording that the official split names.

    Raises:
        BreathlineError: A row that cannot be understood or that contradicts an earlier one; file and line are named.
    """
    rows = []
    for (name, subset), where in lines.read(path, 2, heading=True):
        recording_id = name.strip("'\"")
        if recording_id.lower().endswith((".wav", ".txt")):
            recording_id = recording_id[:-4]
        names.parse(recording_id, where=where)
        if subset.lower() not in ("train", "test"):
            raise BreathlineError(f"`{subset}` is neither train nor test.", where=where, hint="correct the line")
        rows.append((recording_id, subset.lower(), where))
    return _unique(path, rows)


def read_diagnosis(path: Path) -> dict[str, str]:
    """Return the diagnosis of every patient that has one, as `labels.DIAGNOSES` writes it.

    Raises:
        BreathlineError: As for `read_split`; a diagnosis that ICBHI does not know is one too.
    """
    rows = []
    for (patient, diagnosis), where in lines.read(path, 2, heading=True):
        if diagnosis.lower() not in _UNKNOWN and diagnosis.lower() not in _DIAGNOSES:
            known = ", ".join(DIAGNOSES)
            raise BreathlineError(f"`{diagnosis}` is no diagnosis of ICBHI's.", where=where, hint=f"one of: {known}")
        rows.append((_patient(patient, where), _DIAGNOSES.get(diagnosis.lower()), where))
    return {patient: diagnosis for patient, diagnosis in _unique(path, rows).items() if diagnosis is not None}


def read_demographics(path: Path) -> dict[str, Demographics]:
    """Return age, sex, BMI, weight and height of every patient; what is not known is None.

    Raises:
        BreathlineError: As for `read_split`.
    """
    rows = []
    for (patient, age, sex, bmi, weight, height), where in lines.read(path, 6, heading=True):
        if sex.lower() not in _UNKNOWN and sex.lower() not in _SEXES:
            raise BreathlineError(f"`{sex}` is no sex: F, M or NA is expected.", where=where, hint="correct the line")
        person = Demographics(
            age=_number(age, where),
            sex=_SEXES.get(sex.lower()),
            bmi=_number(bmi, where),
            weight_kg=_number(weight, where),
            height_cm=_number(height, where),
        )
        rows.append((_patient(patient, where), person, where))
    return _unique(path, rows)


def read_folds(path: Path) -> dict[str, int]:
    """Return the fold, 0 to 4, in which each patient is tested.

    Raises:
        BreathlineError: As for `read_split`.
    """
    rows = []
    for (patient, fold), where in lines.read(path, 2, heading=True):
        if fold not in {"0", "1", "2", "3", "4"}:
            raise BreathlineError(f"`{fold}` is no fold: 0 to 4 is expected.", where=where, hint="correct the line")
        rows.append((_patient(patient, where), int(fold), where))
    return _unique(path, rows)


def match(split_names: Iterable[str], audio_names: Iterable[str]) -> Match:
    """Return which recording each name of the split file means.

    The same name is meant first; what is left over is matched by the name without its device, where that is unique
    on both sides (the official split file says ``226_1b1_Pl_sc_Meditron`` of ``226_1b1_Pl_sc_LittC2SE``; copies of it
    that hold both names lead from both to the one recording).
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
    """Return rows by key; a row that says the same again is harmless, one that says otherwise is an error."""
    values: dict[Key, Value] = {}
    places: dict[Key, str] = {}
    for key, value, where in rows:
        if values.setdefault(key, value) != value:
            raise BreathlineError(
                f"{path.name} contradicts itself about {key}: another value stands at {places[key]}.",
                where=where,
                hint="decide which line holds and remove the other",
            )
        places.setdefault(key, where)
    if not values:
        raise BreathlineError(f"{path.name} holds no rows.", where=path, hint="fetch it again")
    return values


def _patient(cell: str, where: str) -> str:
    """Return a patient's number."""
    if not (cell.isascii() and cell.isdigit()):
        raise BreathlineError(f"`{cell}` is no patient's number.", where=where, hint="correct the line")
    return str(int(cell))


def _number(cell: str, where: str) -> float | None:
    """Return a measurement, or None where it is not known."""
    if cell.lower() in _UNKNOWN:
        return None
    try:
        value = float(cell)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise BreathlineError(f"`{cell}` is no age, BMI, weight or height.", where=where, hint="correct it, or put NA")
    return value
