"""Statements about the corpus for exports: identity, terms of use, intended use, limits."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lineage.project import Project
from tasks import artifacts
from tasks.runtime import corpus_facts
from tasks.runtime.artifact_reading import read_table
from tasks.runtime.corpus_facts import PATIENT, CorpusFacts
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import natural
from tasks.runtime.words import counted

LICENCE = "MIT"  # of the code, and of the statements that it writes about data and models
RAI = "http://mlcommons.org/croissant/RAI/1.0"
INTENDED = (
    "Research on the classification of breath cycles: comparing methods, teaching, and reproducing results.",
    "Not for diagnosis, triage, monitoring or any other decision about a person: this is no medical device, and nobody "
    "has assessed it as one.",
)
UNKNOWN_TERMS = "The terms of use of the recordings are unknown: ask their owner."


def read(project: Project) -> CorpusFacts:
    """Return the facts of a project's corpus, with the limits of its current recordings.

    Raises:
        BreathlineError: `extract` has not run, or a file is missing.
    """
    if "extract" not in project.records:
        raise BreathlineError(
            "There are no cycles yet.", where=project.root / artifacts.EXTRACTED, hint="`breathline run`"
        )
    facts = corpus_facts.read(project.root / corpus_facts.FOLDER)
    recordings = read_table(existing_table(project, artifacts.RECORDINGS)).to_pylist()
    return replace(facts, limits=(*facts.limits, *limits(recordings, facts.splits, facts.patient)))


def existing_table(project: Project, path: str | Path) -> Path:
    """Return the file of a recorded table.

    Raises:
        BreathlineError: The file is missing.
    """
    file = project.root / path
    if not file.is_file():
        raise BreathlineError("A recorded table is missing.", where=path, hint="`dvc pull`, or `dvc repro`")
    return file


def terms(facts: CorpusFacts) -> str:
    """Return the terms of use of the recordings in words."""
    return UNKNOWN_TERMS if facts.licence is None else facts.licence.text


def both_sides(recordings: Sequence[dict[str, Any]]) -> list[str]:
    """Return the patients with recordings on more than one side of the official split, sorted."""
    sides: dict[str, set[str]] = {}
    for row in recordings:
        sides.setdefault(row["patient_id"], set()).add(row["split"])
    return sorted((patient for patient, found in sides.items() if len(found) > 1), key=natural)


def limits(recordings: Sequence[dict[str, Any]], splits: Collection[str], patient: str = PATIENT) -> list[str]:
    """Return sentences about the limits of the current recordings: counts, the most frequent diagnosis, the split.

    Args:
        recordings: Rows of the table of recordings.
        splits: Names of the corpus's splits.
        patient: Noun for what `patient_id` stands for.
    """
    patients = {row["patient_id"] for row in recordings}
    devices = {row["device"] for row in recordings if row["device"]}
    counts = f"{counted(len(patients), patient)} with {counted(len(recordings), 'recording')}"
    devices_used = f" by {counted(len(devices), 'device')}" if devices else ""
    found = [f"The recordings are of {counts}{devices_used}."]
    known = Counter(row["diagnosis"] for row in recordings if row["diagnosis"])
    if known:
        diagnosis = min(known, key=lambda name: (-known[name], name))
        ill = {row["patient_id"] for row in recordings if row["diagnosis"] == diagnosis}
        found.append(
            f"The most frequent diagnosis is {diagnosis}: "
            f"{counted(len(ill), 'patient')} with {counted(known[diagnosis], 'recording')}."
        )
    if both := both_sides(recordings):
        who = f"{patient} {both[0]} is" if len(both) == 1 else f"{patient}s {', '.join(both)} are"
        if "official-disjoint" in splits:
            where = f"In the split `official`, {who} on both sides; `official-disjoint` keeps them out of training."
        else:
            where = f"In the published division, {who} on more than one side."
        found.append(where)
    return found
