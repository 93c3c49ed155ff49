"""Facts of a user's recordings: patient, location, device, age, sex, diagnosis, split and fold."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from tasks.checks.settings import CheckSettings
from tasks.own_data import numbers
from tasks.own_data.problems import Problems
from tasks.own_data.segments import Annotated, Fact
from tasks.runtime.words import counted, listed, quoted

SEXES = {"f": "F", "female": "F", "woman": "F", "girl": "F", "w": "F", "m": "M", "male": "M", "man": "M", "boy": "M"}
SIDES = dict.fromkeys(("train", "training", "dev", "development", "val", "valid", "validation"), "train")
SIDES |= dict.fromkeys(("test", "testing", "eval", "evaluation", "holdout", "hold-out"), "test")
FOLDS = 5
SEPARATORS = re.compile(r"[_-]")
USUAL_PATTERN = "^[^_-]+"  # text before the first _ or -
MAX_TEXT = 100


@dataclass(frozen=True, kw_only=True)
class Division:
    """Meaning of the column of splits: sides of a split, or folds counted from `first`."""

    folds: bool = False
    first: int = 0


def facts(
    annotated: Annotated, files: Iterable[str], limits: CheckSettings, problems: Problems
) -> tuple[dict[str, dict[str, Any]], Division | None]:
    """Return the facts of each recording, and the meaning of the splits, if there are any.

    Args:
        annotated: Texts about the recordings.
        files: Wanted audio files.
        limits: Limits of `validate`.
        problems: Collection of the problems, which grows.
    """
    wanted = sorted(files)
    texts = {file: _texts(annotated.facts.get(file, {}), file, problems) for file in wanted}
    division = _division(texts)
    found: dict[str, dict[str, Any]] = {}
    for file in wanted:
        known = texts[file]
        found[file] = {
            "location": known["location"].text if "location" in known else "",
            "device": known["device"].text if "device" in known else "",
            "diagnosis": known["diagnosis"].text if "diagnosis" in known else "",
            "age": _age(known.get("age"), limits, problems),
            "sex": _sex(known.get("sex"), problems),
            **_side(known.get("split"), division, problems),
        }
    if division:
        for file in wanted:
            if "split" not in texts[file]:
                problems.add(file, "the recording has no split, and others have one", "fill in its split")
    return found, division


def patients(
    annotated: Annotated, files: Iterable[str], pattern: str | None, every: Iterable[str], problems: Problems
) -> tuple[dict[str, str], str | None]:
    """Return the patient of each recording, and the guessed pattern of file names if one was used.

    Args:
        annotated: Texts about the recordings.
        files: Wanted audio files.
        pattern: Regular expression that finds the patient in a path without suffix: its first group, or all of it.
        every: All audio files of the folder, whose names give the usual pattern.
        problems: Collection of the problems, which grows.
    """
    wanted = sorted(files)
    given = {file: text for file in wanted if (text := annotated.text(file, "patient"))}
    if pattern is None and given:
        for file in wanted:
            if file not in given:
                problems.add(file, "the recording has no patient", "fill in the patient, or give --patient-from")
        return given, None
    guessed = None
    if pattern is None:
        names = {PurePosixPath(file).stem for file in every}
        found = {SEPARATORS.split(name)[0] for name in names if SEPARATORS.search(name)}
        if len(found - {""}) < 2:
            hint = "name a column by --map patient=…, or a pattern of the file names by --patient-from REGEX"
            problems.add("--patient-from", "nothing says which recordings are of one patient", hint)
            return {}, None
        pattern = guessed = USUAL_PATTERN
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        problems.add("--patient-from", f"{quoted(pattern)} is no regular expression ({error})", "correct it")
        return {}, None
    found_by_file = {}
    for file in wanted:
        path = PurePosixPath(file)
        match = compiled.search(path.stem) or compiled.search(str(path.with_suffix("")))
        part = match and (match[1] if compiled.groups else match[0])
        if part:
            found_by_file[file] = part
        else:
            problems.add(file, f"the name has no patient by the pattern {pattern}", "correct --patient-from")
    return found_by_file, guessed


def check_sides(patients: Mapping[str, str], known: Mapping[str, Mapping[str, Any]], problems: Problems) -> None:
    """Add patients on both sides of a split, or in two folds, to the problems."""
    for name in ("split", "fold"):
        sides: dict[str, dict[Any, str]] = {}
        for file, patient in patients.items():
            sides.setdefault(patient, {}).setdefault(known[file][name], file)
        for patient, places in sides.items():
            if len(places) > 1:
                where = ", ".join(f"{place} ({file})" for place, file in places.items())
                what = f"the patient {quoted(patient)} is in {where}; a patient on both sides makes scores too high"
                problems.add(next(iter(places.values())), what, "correct the column, or leave it out by --map split=")


def _texts(known: Mapping[str, list[Fact]], file: str, problems: Problems) -> dict[str, Fact]:
    """Return one text for each field; rows of one recording that disagree are a problem."""
    found = {}
    for name, several in known.items():
        first = found[name] = several[0]
        other = next((one for one in several if one.text != first.text), None)
        if other is not None:
            texts = f"{quoted(first.text)} in row {first.line}, {quoted(other.text)} in row {other.line}"
            what = f"{file} has two values of {name}: {texts}"
            problems.add(first.source, what, "correct one of the rows", line=other.line)
        if len(first.text) > MAX_TEXT or not first.text.isprintable():
            what = f"{quoted(first.text)} is no text of up to {MAX_TEXT} characters"
            problems.add(first.source, what, f"correct it, or leave the column out by --map {name}=", line=first.line)
    return found


def _age(fact: Fact | None, limits: CheckSettings, problems: Problems) -> float | None:
    """Return an age in years."""
    if fact is None:
        return None
    value = numbers.number(fact.text, comma="." not in fact.text)
    low, high = limits.ranges.age
    if value is None or not low <= value <= high:
        what = f"{quoted(fact.text)} is no age from {low:g} to {high:g} years"
        problems.add(fact.source, what, "correct it, or leave ages out by --map age=", line=fact.line)
    return value


def _sex(fact: Fact | None, problems: Problems) -> str:
    """Return F or M; an empty text if the sex is unknown."""
    if fact is None:
        return ""
    sex = SEXES.get(fact.text.casefold(), "")
    if not sex:
        what = f"{quoted(fact.text)} is no sex that is known (F or M)"
        problems.add(fact.source, what, "write F, M or nothing, or leave the column out by --map sex=", line=fact.line)
    return sex


def _division(texts: Mapping[str, Mapping[str, Fact]]) -> Division | None:
    """Return the meaning of the splits: folds if all are numbers, from 1 if none is 0; None without any."""
    values = {known["split"].text for known in texts.values() if "split" in known}
    if not values:
        return None
    folds = {int(value) for value in values if re.fullmatch(r"[0-9]{1,3}", value)}
    if len(folds) < len(values):
        return Division()
    return Division(folds=True, first=int(0 not in folds))


def _side(fact: Fact | None, division: Division | None, problems: Problems) -> dict[str, Any]:
    """Return side and fold of a recording."""
    nothing = {"split": "train", "fold": None}
    if fact is None or division is None:
        return nothing
    hint = "correct it, or leave the column out by --map split="
    if division.folds:
        fold = int(fact.text) - division.first
        if not 0 <= fold < FOLDS:
            what = f"fold {fact.text} is beyond the {FOLDS} folds that are used"
            problems.add(fact.source, what, hint, line=fact.line)
        return {"split": "train", "fold": fold}
    side = SIDES.get(fact.text.casefold())
    if side is None:
        what = f"{quoted(fact.text)} is no side of a split ({listed(sorted(SIDES), 20)}) and no fold"
        problems.add(fact.source, what, hint, line=fact.line)
    return {"split": side or "train", "fold": None}


def describe(division: Division | None, known: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a phrase about the split of the recordings."""
    if division is None:
        return f"none given: {FOLDS} folds are drawn by patient, stratified by label, with the seed 0"
    if division.folds:
        return f"folds {', '.join(str(fold) for fold in sorted({row['fold'] for row in known.values()} - {None}))}"
    sides = [row["split"] for row in known.values()]
    return ", ".join(f"{side}: {counted(sides.count(side), 'recording')}" for side in ("train", "test"))
