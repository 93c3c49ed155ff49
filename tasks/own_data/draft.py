"""Draft of a corpus from a user's recordings: everything is judged before anything is written."""

from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from tasks.corpora.table import labels
from tasks.corpora.table.normalised import Segment as Row
from tasks.own_data import audio, columns, ids, label_classes, metadata, segments, sheets, times
from tasks.own_data.audio import Heard
from tasks.own_data.problems import Problems
from tasks.own_data.request import Draft, Request
from tasks.own_data.segments import Annotated, Segment
from tasks.own_data.times import Timed
from tasks.runtime.errors import BreathlineError
from tasks.runtime.words import counted, listed, quoted

MIN_PATIENTS = 3  # of a training corpus: one each for training, validation and test


def make(request: Request, problems: Problems, reader: audio.Reader | None = None) -> Draft:
    """Return the draft of a corpus; all problems are collected.

    Args:
        request: Recordings and choices.
        problems: Collection of the problems, which grows.
        reader: Reader that may have read audio files before.
    """
    draft = Draft()
    try:
        if not request.folder.is_dir():
            raise BreathlineError("there is no such folder", where=request.folder, hint="correct --audio")
        folder = audio.Folder(request.folder)
    except BreathlineError as error:
        problems.add_error(error, request.folder)
        return draft
    folder.check(problems)
    annotated = _annotated(request, folder, draft, problems)
    if annotated is None:
        return draft
    kinds = label_classes.choose(request, annotated, draft, problems)
    kept = [one for one in annotated.segments if kinds.get(labels.plain(one.label or "")) != labels.LEFT_OUT]
    files = sorted({one.file for one in kept})
    heard = (reader or audio.Reader()).read(folder.root, files, request.limits, problems)
    audio.check_copies(folder.root, heard, problems)
    timed = _timed(request, [one for one in kept if one.file in heard], heard, draft, problems)
    owners, pattern = metadata.patients(annotated, files, request.patient_from, folder.audio, problems)
    known, division = metadata.facts(annotated, files, request.limits, problems)
    metadata.check_sides(owners, known, problems)
    if request.role == "training" and 0 < len(set(owners.values())) < MIN_PATIENTS:
        what = f"only {counted(len(set(owners.values())), 'patient')}; training needs at least {MIN_PATIENTS}"
        problems.add(
            folder.root, what, "add recordings of other patients, or use the corpus for tests only: --role external"
        )
    if pattern or request.patient_from:
        shown = f"the part of the file name that fits {pattern or request.patient_from}"
        draft.decide("patient", f"{shown} ({counted(len(set(owners.values())), 'patient')})", guessed=bool(pattern))
    draft.decide("split", metadata.describe(division, known), guessed=division is not None)
    draft.notes += _notes(set(folder.audio) - set(files), heard, owners)
    if not request.window_s:
        draft.notes += times.note_whole(timed)
    named = ids.patients(request.name, sorted(set(owners.values())))
    recordings = ids.recordings(request.name, {file: named[patient] for file, patient in owners.items()})
    draft.rows = [
        Row(
            recording_id=recordings[file],
            file=file,
            sha256=heard[file].sha256,
            patient_id=named[owners[file]],
            start_s=one.start_s,
            end_s=one.end_s,
            label=one.segment.label or "",
            kind=kinds.get(labels.plain(one.segment.label or ""), ""),
            **known[file],
        )
        for one in timed
        if (file := one.segment.file) in owners
    ]
    return draft


def _annotated(request: Request, folder: audio.Folder, draft: Draft, problems: Problems) -> Annotated | None:
    """Return the segments and facts of the table and of the annotation files; None if they cannot be read."""
    about = None
    if request.table is not None:
        sheet = sheets.read(request.table, problems)
        if sheet is None:
            return None
        draft.header = sheet.header
        draft.notes += sheet.notes
        chosen, guessed = columns.choose(sheet.header, request.columns, sheet.path, problems)
        for name, column in chosen.items():
            draft.decide(name, f"column {quoted(column)}", guessed=name in guessed)
        unused = [name for name in sheet.header if name and name not in chosen.values()]
        if unused:
            draft.notes.append(f"columns that are not read: {listed(unused, 10)}")
        if "label" in chosen and {"crackle", "wheeze"} & set(chosen):
            flags = [chosen.pop(name) for name in ("crackle", "wheeze") if name in chosen]
            draft.decisions = [one for one in draft.decisions if one.subject not in ("crackle", "wheeze")]
            draft.notes.append(f"{listed(flags)}: not read, because `{chosen['label']}` has the labels")
        if not _complete(request, chosen, draft, sheet, problems):
            return None
        about = segments.from_table(sheet, chosen, folder, problems)
        if not request.beside:
            _decide_unit(request, columns.unit(chosen), about, draft)
            return about
    found = segments.from_annotations(folder, request.format, about, problems)
    if found.format:
        draft.decide("annotations", found.format, guessed=request.format is None)
    return found


def _complete(
    request: Request, chosen: Mapping[str, str], draft: Draft, sheet: sheets.Sheet, problems: Problems
) -> bool:
    """Add missing columns to the problems, and return whether the rest of the table can be judged."""
    draft.missing = [] if "file" in chosen else ["file"]
    if not request.beside and not {"label", "crackle", "wheeze"} & set(chosen):
        draft.missing.append("label")
    if "start" in chosen and not {"end", "duration"} & set(chosen):
        draft.missing.append("end")
    if "end" in chosen and "start" not in chosen:
        draft.missing.append("start")
    for name in draft.missing:
        what = f"no column for `{name}` was found; the columns are {listed(sheet.header, 20)}"
        problems.add(sheet.path, what, f"name it by --map {name}=COLUMN", line=1)
    return "file" in chosen


def _decide_unit(request: Request, named: str | None, annotated: Annotated, draft: Draft) -> None:
    """Add the unit that the user or the headings give to the decisions."""
    given = request.columns.get(columns.UNIT)
    if any(one.start is not None for one in annotated.segments) and (given or named):
        draft.decide("unit", given or named or "", guessed=not given)


def _timed(
    request: Request, kept: list[Segment], heard: Mapping[str, Heard], draft: Draft, problems: Problems
) -> list[Timed]:
    """Return the segments with their times in seconds, and add what was decided about times."""
    unit = next((one.value for one in draft.decisions if one.subject == "unit"), None)
    if unit is None and any(one.start is not None for one in kept):
        unit = "s" if request.beside else times.unit(kept, heard)
        if unit is None:
            what = "the unit of the times is not clear: seconds or milliseconds"
            problems.add(request.table or request.folder, what, "write --map unit=s or --map unit=ms")
            return []
        if not request.beside:
            draft.decide("unit", unit, guessed=True)
    if unit not in (None, "s", "ms"):
        problems.add(f"--map unit={unit}", f"{quoted(unit or '')} is no unit", "use s or ms")
        return []
    tolerance = request.limits.time_tolerance_s
    timed = times.place(kept, heard, milliseconds=unit == "ms", tolerance_s=tolerance, problems=problems)
    times.check_repeats(timed, problems)
    if overlaps := times.overlapping(timed, tolerance):
        draft.notes.append(f"{counted(overlaps, 'segment')} overlap an earlier one, which is allowed")
    return times.windows(timed, request.window_s) if request.window_s else timed


def _notes(alone: AbstractSet[str], heard: Mapping[str, Heard], owners: Mapping[str, str]) -> Iterator[str]:
    """Yield facts about the recordings that the user should know."""
    if alone:
        yield f"{counted(len(alone), 'recording')} without a segment left out: {listed(sorted(alone))}"
    rates = Counter(one.rate for one in heard.values())
    if len(rates) > 1:
        shown = ", ".join(f"{rate:,} Hz ({number})" for rate, number in sorted(rates.items()))
        yield f"several sample rates: {shown}"
    if len(set(owners.values())) == len(owners) > 1:
        yield "each recording has a patient of its own: recordings of one person must share a patient"
